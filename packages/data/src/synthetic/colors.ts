import type { RandomSource } from '../random.ts'

/** Red, green, blue, each 0 … 255. */
export type Color = readonly [number, number, number]

/** Five warm colours, then five cool ones. */
export const palette: readonly { readonly name: string; readonly color: Color }[] = [
  { name: 'red', color: [205, 35, 35] },
  { name: 'orange', color: [240, 130, 20] },
  { name: 'yellow', color: [240, 225, 45] },
  { name: 'pink', color: [250, 160, 195] },
  { name: 'brown', color: [115, 70, 35] },
  { name: 'green', color: [40, 150, 50] },
  { name: 'cyan', color: [60, 215, 220] },
  { name: 'blue', color: [40, 70, 215] },
  { name: 'purple', color: [130, 40, 165] },
  { name: 'white', color: [242, 242, 242] },
]

export function randomColor(random: RandomSource): Color {
  return [random.below(256), random.below(256), random.below(256)]
}

/** A colour whose brightness differs from that of `other` by at least `contrast` (at most 127), brighter or darker. */
export function contrastingColor(random: RandomSource, other: Color, contrast: number): Color {
  const brightness = luma(other)
  let color = randomColor(random)
  while (Math.abs(luma(color) - brightness) < contrast) color = randomColor(random)
  return color
}

/** Moves each channel randomly by up to `amount`, within 0 … 255. */
export function jitter(random: RandomSource, color: Color, amount: number): Color {
  const move = (channel: number) => Math.max(0, Math.min(255, channel - amount + random.below(2 * amount + 1)))
  return [move(color[0]), move(color[1]), move(color[2])]
}

/** Brightness, 0 … 255: the luma of ITU-R BT.601 in 256ths. */
function luma([red, green, blue]: Color): number {
  return (77 * red + 150 * green + 29 * blue) >> 8
}
