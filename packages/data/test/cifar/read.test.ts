import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cifarClassNames } from '../../src/cifar/class-names.ts'
import { cifar10, cifar100 } from '../../src/cifar/format.ts'
import { readCifar } from '../../src/cifar/read.ts'
import { checkRecordFile, readRecords } from '../../src/cifar/read-records.ts'
import { smallLabel, smallPixel, writeSmallCifar } from '../support/small-cifar.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const small10 = () => writeSmallCifar(temporaryFolder(), cifar10)
const small100 = () => writeSmallCifar(temporaryFolder(), cifar100)

test('the training files are joined in order, and the colour planes of each image become pixels', async () => {
  const { train, test: tested, imageShape } = await readCifar(await small10(), cifar10)
  expect([train.count, tested.count, ...imageShape]).toEqual([20, 3, 32, 32, 3])
  // Sample 9 is record 1 of the file with index 2. Row 5, column 6, channel c is byte 1024 c + 32 · 5 + 6 of a record.
  expect(train.labels[9]).toBe(smallLabel(2, 1))
  const rgb = [0, 1, 2].map(channel => smallPixel(2, 1, 1024 * channel + 166))
  expect(Array.from(train.pixels.subarray((9 * 1024 + 166) * 3, (9 * 1024 + 167) * 3))).toEqual(rgb)
  expect(Array.from(tested.labels)).toEqual([5, 6, 7])
})

test('CIFAR-100 is read with its fine labels', async () => {
  const { train, test: tested } = await readCifar(await small100(), cifar100)
  expect(Array.from(train.labels)).toEqual([0, 1, 2, 3])
  expect(Array.from(tested.labels)).toEqual([1, 2, 3])
  expect(tested.pixels[2]).toBe(smallPixel(1, 0, 2048))
})

test('classes have their official names unless the folder has a file of names', async () => {
  const folder = await small10()
  expect((await readCifar(folder, cifar10)).classNames).toEqual(cifarClassNames.cifar10)
  const names = Array.from({ length: 10 }, (_, label) => `shape ${label}`)
  await writeFile(join(folder, 'batches.meta.txt'), names.join('\n'))
  expect((await readCifar(folder, cifar10)).classNames).toEqual(names)
})

test.each([2, 11])('a file of %i names for 10 classes is rejected', async count => {
  const folder = await small10()
  const names = Array.from({ length: count }, (_, label) => `shape ${label}`)
  await writeFile(join(folder, 'batches.meta.txt'), names.join('\n'))
  await expect(readCifar(folder, cifar10)).rejects.toMatchObject({ code: 'data-damaged', received: `${count} names` })
})

test.each(['batches.meta.txt', 'record-counts.json'])('a %s of 3 GB is rejected', async name => {
  const folder = await small10()
  await writeFile(join(folder, name), '')
  await truncate(join(folder, name), 3 * 2 ** 30)
  await expect(readCifar(folder, cifar10)).rejects.toMatchObject({
    code: 'data-damaged',
    message: `${join(folder, name)} is too long`,
    received: '3221225472 bytes',
  })
})

test.each(['batches.meta.txt', 'record-counts.json'])('a %s that cannot be read is reported', async name => {
  const folder = await small10()
  await rm(join(folder, name), { force: true })
  await mkdir(join(folder, name))
  await expect(readCifar(folder, cifar10)).rejects.toMatchObject({ code: 'data-unreadable' })
})

test('the error for a missing file names it and says how to get it', async () => {
  const folder = await small10()
  await rm(join(folder, 'data_batch_4.bin'))
  await expect(readCifar(folder, cifar10)).rejects.toMatchObject({
    code: 'data-missing',
    message: `${join(folder, 'data_batch_4.bin')} is missing`,
    expected: '12292 bytes (4 records of 3073)',
    hint: expect.stringContaining('data fetch --dataset cifar10'),
  })
})

test('the error for a truncated file gives the record in which it ends', async () => {
  const folder = await small100()
  await truncate(join(folder, 'test.bin'), 3074 + 100)
  await expect(readCifar(folder, cifar100)).rejects.toMatchObject({
    code: 'data-damaged',
    message: expect.stringContaining(join(folder, 'test.bin')),
    expected: '9222 bytes (3 records of 3074)',
    received: '3174 bytes: it ends 100 bytes into record 1',
  })
})

test('a file that shrinks after its size was checked is reported as truncated', async () => {
  const file = join(await small10(), 'test_batch.bin')
  await checkRecordFile(file, cifar10, 3)
  await truncate(file, 2 * 3073)
  const split = { count: 3, pixels: new Uint8Array(3 * 3072), labels: new Uint8Array(3) }
  await expect(readRecords(file, cifar10, 3, split, 0)).rejects.toMatchObject({
    code: 'data-damaged',
    received: '6146 bytes: 2 records',
  })
})

test('without a file of record counts, files must have the official sizes', async () => {
  const folder = await small10()
  await rm(join(folder, 'record-counts.json'))
  await expect(readCifar(folder, cifar10)).rejects.toMatchObject({
    code: 'data-damaged',
    expected: '30730000 bytes (10000 records of 3073)',
    received: '12292 bytes: 4 records',
  })
})

test('files of the official sizes are read without a file of record counts', async () => {
  const folder = join(temporaryFolder(), cifar100.folder)
  await mkdir(folder)
  await writeFile(join(folder, 'train.bin'), '')
  await writeFile(join(folder, 'test.bin'), '')
  await truncate(join(folder, 'train.bin'), 153_700_000)
  await truncate(join(folder, 'test.bin'), 30_740_000)
  const { train, test: tested } = await readCifar(folder, cifar100)
  expect([train.count, tested.count]).toEqual([50_000, 10_000])
})

test.each([
  { format: cifar10, file: 'data_batch_2.bin', record: 3, position: 0, value: 10, kind: 'label', highest: 9 },
  { format: cifar100, file: 'train.bin', record: 2, position: 0, value: 20, kind: 'coarse label', highest: 19 },
  { format: cifar100, file: 'test.bin', record: 1, position: 1, value: 100, kind: 'fine label', highest: 99 },
])('the error for a $kind out of range gives file, record and byte', async ({ format, file, ...wrong }) => {
  const folder = await writeSmallCifar(temporaryFolder(), format)
  const content = await readFile(join(folder, file))
  const byte = wrong.record * (format.labels.length + 3072) + wrong.position
  content[byte] = wrong.value
  await writeFile(join(folder, file), content)
  await expect(readCifar(folder, format)).rejects.toMatchObject({
    code: 'data-damaged',
    message: `${join(folder, file)}: record ${wrong.record} has a ${wrong.kind} out of range`,
    expected: `${wrong.kind} from 0 to ${wrong.highest}`,
    received: `${wrong.value} (byte ${byte} of the file)`,
  })
})

test.each(['', '{', '{"trainRecords":0,"testRecords":3}', '{"trainRecords":4}'])(
  'a file of record counts that contains %j is rejected',
  async text => {
    const folder = await small10()
    await writeFile(join(folder, 'record-counts.json'), text)
    await expect(readCifar(folder, cifar10)).rejects.toMatchObject({ code: 'data-damaged' })
  },
)

test('a folder in place of a file is reported', async () => {
  const folder = await small10()
  await rm(join(folder, 'test_batch.bin'))
  await mkdir(join(folder, 'test_batch.bin'))
  await expect(readCifar(folder, cifar10)).rejects.toMatchObject({ code: expect.stringMatching(/^data-/) })
})
