import { createRandom, type RandomSource } from '../random.ts'
import { addNoise, type Canvas, type Placement, paintGradient, paintShape } from './canvas.ts'
import { type Color, contrastingColor, jitter, randomColor } from './colors.ts'
import { type Shape, shapes } from './shapes.ts'

export type Subject = {
  readonly shape: Shape
  /** The approximate colour; by default a random one. */
  readonly color?: Color
}

/**
 * Least difference in brightness (of 255) between subject and background: clearly visible, and still too varied for a
 * linear classifier.
 */
const contrast = 80
const noiseAmplitude = 12

/**
 * Draws one image: a shape of random position and size, slightly rotated, brighter or darker than its background, with
 * scraps of other shapes around it and noise. No single pixel says anything about the shape. The image depends only on
 * subject, seed and sample number.
 */
export function drawSample(canvas: Canvas, subject: Subject, seed: number, sample: number): void {
  const random = createRandom(seed, sample)
  const color = subject.color === undefined ? randomColor(random) : jitter(random, subject.color, 12)
  const background = contrastingColor(random, color, contrast)
  paintGradient(canvas, background, jitter(random, background, 40), random.below(17) - 8, random.below(17) - 8)
  for (let scraps = 2 + random.below(3); scraps > 0; scraps--) paintScrap(canvas, random)
  paintShape(canvas, subject.shape, color, placeSubject(random))
  addNoise(canvas, random, noiseAmplitude)
}

/** Radius 8 to 13 pixels, rotated by up to 5/64 of a circle (28°), at most a pixel and a half beyond the edge. */
function placeSubject(random: RandomSource): Placement {
  const radius = 32 + random.below(21)
  const overhang = 6
  const positions = 128 - 2 * (radius - overhang)
  return {
    x: radius - overhang + random.below(positions),
    y: radius - overhang + random.below(positions),
    radius,
    turn: random.below(11) - 5,
  }
}

/** Paints a random shape with a radius of 1.5 to 3 pixels, at a random place in a random colour. */
function paintScrap(canvas: Canvas, random: RandomSource): void {
  const shape = shapes[random.below(shapes.length)]!
  paintShape(canvas, shape, randomColor(random), {
    x: random.below(128),
    y: random.below(128),
    radius: 6 + random.below(7),
    turn: random.below(64),
  })
}
