import { decode } from 'fast-png'
import { beforeAll, expect, test } from 'vitest'
import { cifarClassNames } from '../../src/cifar/class-names.ts'
import { type DataSet, type ImageSplit, imageShape } from '../../src/data-set.ts'
import { countPerClass, firstOfEachClass } from '../../src/sheet/first-of-each-class.ts'
import { drawSampleSheet, renderSampleSheet } from '../../src/sheet/sample-sheet.ts'

/** `perClass` images of each class; every pixel is grey, of the value (7 · image + pixel) mod 256. */
function grey(classes: number, perClass: number): ImageSplit {
  const count = classes * perClass
  const pixels = Uint8Array.from(
    { length: count * 3072 },
    (_, byte) => 7 * Math.floor(byte / 3072) + Math.floor((byte % 3072) / 3),
  )
  return { count, pixels, labels: Uint8Array.from({ length: count }, (_, index) => index % classes) }
}

function setOf(classNames: readonly string[], perClass: number): DataSet {
  const split = grey(classNames.length, perClass)
  return { name: 'cifar10', imageShape, classNames, train: split, test: split, source: 'here' }
}

let png: { width: number; height: number; channels: number; data: ArrayLike<number> }

beforeAll(async () => {
  png = decode(await renderSampleSheet(setOf(cifarClassNames.cifar10, 2), 'Ten classes'))
})

const colorAt = (x: number, y: number) =>
  Array.from({ length: 3 }, (_, channel) => png.data[(y * png.width + x) * png.channels + channel])

test('the sheet has a row for each class', () => {
  // Width: margins 2 · 24, label 120, 14 tiles of 64 with gaps of 4. Height: margins, heading 44, ten tiles with gaps.
  expect([png.width, png.height]).toEqual([48 + 120 + 14 * 68 - 4, 48 + 44 + 10 * 68 - 4])
})

test('every pixel of an image becomes a square of 2 × 2 equal pixels', () => {
  // The second image of class 3 is number 13. Its tile begins at x = 24 + 120 + 68, y = 24 + 44 + 3 · 68.
  for (const [row, column] of [
    [0, 0],
    [5, 9],
    [31, 31],
  ] as const) {
    const value = (7 * 13 + 32 * row + column) % 256
    const [x, y] = [212 + 2 * column, 272 + 2 * row]
    for (const [dx, dy] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const) {
      expect(colorAt(x + dx, y + dy)).toEqual([value, value, value])
    }
  }
})

test('the sheet stays white where a class has fewer samples', () => {
  expect(colorAt(24 + 120 + 2 * 68 + 30, 100)).toEqual([255, 255, 255])
})

test('each row starts with dark pixels, the name of the class', () => {
  let darkest = 255
  for (let x = 24; x < 24 + 120; x++) for (let y = 68; y < 68 + 64; y++) darkest = Math.min(darkest, colorAt(x, y)[0]!)
  expect(darkest).toBeLessThan(100)
})

test('a hundred classes are in four columns, each with its name', async () => {
  const svg = await drawSampleSheet(setOf(cifarClassNames.cifar100, 1), 'A hundred classes')
  expect(svg).toContain(`width="${48 + 4 * (134 + 6 * 68 - 4) + 3 * 28}" height="${48 + 44 + 25 * 68 - 4}"`)
  for (const name of cifarClassNames.cifar100) expect(svg).toContain(`>${name.replaceAll('_', ' ')}</text>`)
  expect(svg.match(/<image /g)).toHaveLength(100)
})

test('special characters in names and heading are escaped', async () => {
  const svg = await drawSampleSheet(setOf(['<a> & "b"', 'c'], 1), 'x < y')
  expect(svg).toContain('&lt;a&gt; &amp; &quot;b&quot;')
  expect(svg).toContain('x &lt; y')
})

test('the first samples of each class are listed in order, and all are counted', () => {
  const split = { ...grey(1, 6), labels: Uint8Array.of(2, 0, 2, 2, 1, 0) }
  expect(firstOfEachClass(split, 4, 2)).toEqual([[1, 5], [4], [0, 2], []])
  expect(countPerClass(split, 4)).toEqual([2, 1, 3, 0])
})
