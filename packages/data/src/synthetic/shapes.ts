/**
 * Whether a point lies in a shape. The shape is centred on (0, 0) and reaches about 1024 units from there. Coordinates
 * are integers, and only integer arithmetic is used.
 */
export type Shape = (u: number, v: number) => boolean

const reach = 1024
const reachSquared = reach * reach

const circle: Shape = (u, v) => u * u + v * v <= reachSquared

const ring: Shape = (u, v) => {
  const distanceSquared = u * u + v * v
  return distanceSquared <= reachSquared && distanceSquared >= 600 * 600
}

const crescent: Shape = (u, v) => circle(u, v) && (u - 520) * (u - 520) + v * v > 800 * 800

const square: Shape = (u, v) => Math.abs(u) <= 800 && Math.abs(v) <= 800

/** Equilateral, with corners at (0, −1024) and (±887, 512). */
const triangle: Shape = (u, v) => v <= 512 && Math.abs(u) * 1536 <= (v + reach) * 887

/**
 * The unit normals of a pentagram's five lines, at 90° + k · 72°, times 1024; the lines are 316 = 1024 · cos 72° away.
 */
const pentagramNormals = [0, 1024, -974, 316, -602, -828, 602, -828, 974, 316] as const

/** A five-pointed star: the points on the inner side of at least four of the five lines. */
const star: Shape = (u, v) => {
  let inside = 0
  for (let line = 0; line < 10; line += 2) {
    if (u * pentagramNormals[line]! + v * pentagramNormals[line + 1]! <= 316 * 1024) inside++
  }
  return inside >= 4
}

const cross: Shape = (u, v) => {
  const across = Math.abs(u)
  const along = Math.abs(v)
  return (across <= 280 && along <= reach) || (along <= 280 && across <= reach)
}

/** A shaft and a head that points to +u. */
const arrow: Shape = (u, v) => {
  const across = Math.abs(v)
  return u <= 0 ? u >= -reach && across <= 230 : across * 4 <= (reach - u) * 3
}

/** A disc of parallel bars. */
const stripes: Shape = (u, v) => circle(u, v) && (((u + 4096) >> 8) & 1) === 0

/** A disc of a chequered board. */
const checker: Shape = (u, v) => circle(u, v) && ((((u + 4096) >> 9) ^ ((v + 4096) >> 9)) & 1) === 0

export const shapeNames = [
  'circle',
  'ring',
  'crescent',
  'square',
  'triangle',
  'star',
  'cross',
  'arrow',
  'stripes',
  'checker',
] as const

/** In the order of `shapeNames`. */
export const shapes: readonly Shape[] = [circle, ring, crescent, square, triangle, star, cross, arrow, stripes, checker]
