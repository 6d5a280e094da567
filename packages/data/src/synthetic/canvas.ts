import type { RandomSource } from '../random.ts'
import type { Color } from './colors.ts'
import type { Shape } from './shapes.ts'

const side = 32
/** Positions are in quarters of a pixel; each pixel is sampled at its four points (1 or 3, 1 or 3). */
const quarters = 4

/** One image of a larger array: 32 × 32 × 3 bytes (HWC). */
export type Canvas = Uint8Array

export type Placement = {
  /** Centre, in quarters of a pixel. */
  readonly x: number
  readonly y: number
  /** Distance from the centre to the farthest point of the shape, in quarters of a pixel. */
  readonly radius: number
  /** Rotation, in 64ths of a full turn. */
  readonly turn: number
}

/** 4096 · sin(k · 90° / 16), rounded, for k = 0 … 16. */
const quarterSine = [
  0, 401, 799, 1189, 1567, 1931, 2276, 2598, 2896, 3166, 3406, 3612, 3784, 3920, 4017, 4076, 4096,
] as const

/** 4096 · sin of `turn` 64ths of a full turn. */
function sine(turn: number): number {
  const step = turn & 63
  const half = step & 31
  const size = quarterSine[half <= 16 ? half : 32 - half]!
  return step < 32 ? size : -size
}

/** Fills the canvas with a linear gradient between two colours along a direction, −8 … 8 in x and y. */
export function paintGradient(canvas: Canvas, from: Color, to: Color, directionX: number, directionY: number): void {
  const reach = (Math.abs(directionX) + Math.abs(directionY)) * (side - 1) || 1
  const start = (directionX < 0 ? -directionX : 0) * (side - 1) + (directionY < 0 ? -directionY : 0) * (side - 1)
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const along = start + x * directionX + y * directionY
      mixInto(canvas, (y * side + x) * 3, from, to, along, reach)
    }
  }
}

/** Paints a shape over the canvas. How many of a pixel's four points it covers determines the mixture at its edges. */
export function paintShape(canvas: Canvas, shape: Shape, color: Color, place: Placement): void {
  const scaledCosine = Math.trunc((sine(place.turn + 16) * 1024) / place.radius)
  const scaledSine = Math.trunc((sine(place.turn) * 1024) / place.radius)
  const covers = (x: number, y: number): number => {
    const dx = x - place.x
    const dy = y - place.y
    const u = (dx * scaledCosine + dy * scaledSine) >> 12
    const v = (dy * scaledCosine - dx * scaledSine) >> 12
    return shape(u, v) ? 1 : 0
  }
  const [left, right] = pixelSpan(place.x, place.radius)
  const [top, bottom] = pixelSpan(place.y, place.radius)
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const px = x * quarters
      const py = y * quarters
      const covered = covers(px + 1, py + 1) + covers(px + 3, py + 1) + covers(px + 1, py + 3) + covers(px + 3, py + 3)
      if (covered > 0) cover(canvas, (y * side + x) * 3, color, covered)
    }
  }
}

/** Adds noise of −amplitude … amplitude to every channel; 2 × amplitude + 1 must not exceed 256. */
export function addNoise(canvas: Canvas, random: RandomSource, amplitude: number): void {
  const span = 2 * amplitude + 1
  for (let offset = 0; offset < canvas.length; offset += 3) {
    const draw = random.nextUint32()
    for (let channel = 0; channel < 3; channel++) {
      const noise = ((((draw >>> (8 * channel)) & 255) * span) >> 8) - amplitude
      canvas[offset + channel] = Math.max(0, Math.min(255, canvas[offset + channel]! + noise))
    }
  }
}

function pixelSpan(centre: number, radius: number): [number, number] {
  return [Math.max(0, (centre - radius) >> 2), Math.min(side - 1, (centre + radius) >> 2)]
}

/** Writes a mixture of two colours, in which the second has the share `part` / `whole`. */
function mixInto(canvas: Canvas, offset: number, from: Color, to: Color, part: number, whole: number): void {
  for (let channel = 0; channel < 3; channel++)
    canvas[offset + channel] = mix(from[channel]!, to[channel]!, part, whole)
}

/** Covers `quarterParts` of a pixel's four points with a colour. */
function cover(canvas: Canvas, offset: number, color: Color, quarterParts: number): void {
  for (let channel = 0; channel < 3; channel++) {
    canvas[offset + channel] = mix(canvas[offset + channel]!, color[channel]!, quarterParts, 4)
  }
}

function mix(from: number, to: number, part: number, whole: number): number {
  return from + Math.trunc(((to - from) * part) / whole)
}
