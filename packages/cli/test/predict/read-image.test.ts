import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import sharp, { type Color, type Sharp } from 'sharp'
import { expect, test } from 'vitest'
import { readImage } from '../../src/predict/read-image.ts'
import { makeTemporaryFolder } from '../runs/example-runs.ts'

/** Three channels of waves that a lossy format keeps well. */
const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, index) => 128 + 90 * Math.sin(index / 300 + (index % 3)))
const red = Buffer.alloc(3072, Uint8Array.of(255, 0, 0))
const blue = Buffer.alloc(3072, Uint8Array.of(0, 0, 255))
const image = () => sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
const distance = (a: Uint8Array, b: Uint8Array) => Math.max(...a.map((value, index) => Math.abs(value - b[index]!)))

/** An image of one colour. */
function plain(width: number, height: number, background: Color) {
  return sharp({ create: { width, height, channels: 4, background } })
}

async function read(drawing: Sharp, name = 'image.png'): Promise<Uint8Array> {
  const file = join(await makeTemporaryFolder(), name)
  await drawing.toFile(file)
  return readImage(file)
}

test('the pixels of a 32 × 32 PNG are returned unchanged, by row, column and channel', async () => {
  expect(Uint8Array.from(await read(image()))).toEqual(pixels)
})

test.each(['image.jpg', 'image.webp', 'image.tif', 'image.gif', 'image.avif'])('%s is read', async name => {
  const received = await read(image(), name)
  expect(received).toHaveLength(pixels.length)
  expect(distance(received, pixels)).toBeLessThan(40)
})

test('image.svg is rendered', async () => {
  const file = join(await makeTemporaryFolder(), 'image.svg')
  const rectangle = '<rect width="32" height="32" fill="red"/>'
  await writeFile(file, `<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32">${rectangle}</svg>`)
  expect(await readImage(file)).toEqual(red)
})

test('the largest square in the middle is scaled to 32 × 32', async () => {
  const middle = await plain(64, 64, 'red').png().toBuffer()
  const wide = plain(192, 64, 'blue').composite([{ input: middle, left: 64, top: 0 }])
  const high = plain(64, 192, 'blue').composite([{ input: middle, left: 0, top: 64 }])
  // Scaling mixes in a little of what is beside the square.
  for (const drawing of [wide, high]) expect(distance(await read(drawing), red)).toBeLessThan(20)
})

test('an image smaller than 32 × 32 is scaled up', async () => {
  expect(await read(plain(4, 4, 'white'))).toEqual(Buffer.alloc(3072, 255))
})

test('a gray image has three equal channels', async () => {
  const received = await read(image().greyscale())
  expect(received).toHaveLength(3072)
  expect(received.every((value, index) => value === received[index - (index % 3)])).toBe(true)
})

test('transparent parts are white', async () => {
  expect(await read(plain(32, 32, { r: 255, g: 0, b: 0, alpha: 0 }))).toEqual(Buffer.alloc(3072, 255))
})

test('an image with 16 bits per channel is converted to 8', async () => {
  expect(Uint8Array.from(await read(image().toColourspace('rgb16')))).toEqual(pixels)
})

test.each([
  // Its upper half is red, which is the lower half of the scene.
  { way: 'upside down', orientation: 3, half: plain(32, 16, 'red'), first: blue, last: red },
  // Its left half is red, which is the upper half of the scene.
  { way: 'sideways', orientation: 6, half: plain(16, 32, 'red'), first: red, last: blue },
])('a photo taken $way is turned upright', async ({ orientation, half, first, last }) => {
  const drawing = plain(32, 32, 'blue')
    .composite([{ input: await half.png().toBuffer(), left: 0, top: 0 }])
    .withMetadata({ orientation })
  const received = await read(drawing)
  const row = 32 * 3
  expect(received.subarray(0, row)).toEqual(first.subarray(0, row))
  expect(received.subarray(-row)).toEqual(last.subarray(-row))
})

test('the error for a missing, invalid or truncated image names the file', async () => {
  const folder = await makeTemporaryFolder()
  const missing = join(folder, 'missing.png')
  await expect(readImage(missing)).rejects.toMatchObject({
    code: 'image-unreadable',
    message: `${missing} cannot be read as an image`,
    received: expect.stringContaining('ENOENT'),
  })
  const text = join(folder, 'text.png')
  await writeFile(text, 'no image')
  await expect(readImage(text)).rejects.toMatchObject({ message: expect.stringContaining('text.png') })
  const whole = await image().resize(300, 300).jpeg().toBuffer()
  const cut = join(folder, 'cut.jpg')
  await writeFile(cut, whole.subarray(0, whole.length / 2))
  await expect(readImage(cut)).rejects.toMatchObject({ message: expect.stringContaining('cut.jpg') })
})

test('an image can come from standard input, which the error for an invalid image names', async () => {
  const png = await image().png().toBuffer()
  const pieces = Readable.from([png.subarray(0, 100), png.subarray(100)])
  expect(Uint8Array.from(await readImage('-', pieces))).toEqual(pixels)
  // The stream is at its end.
  await expect(readImage('-', pieces)).rejects.toMatchObject({
    message: 'standard input cannot be read as an image',
  })
})
