import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cifar10, cifar100 } from '../../src/cifar/format.ts'
import { readCifar } from '../../src/cifar/read.ts'
import { synthesizeCifar } from '../../src/cifar/synthesize.ts'
import { dataSetSha256 } from '../../src/split.ts'
import { shapeNames } from '../../src/synthetic/shapes.ts'
import { coloredShapeSuperclasses, createColoredShapes, createShapes } from '../../src/synthetic/synthetic-set.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('the shapes are the same after writing and reading them in the format of CIFAR-10', async () => {
  const folder = await synthesizeCifar({ format: cifar10, folder: temporaryFolder(), seed: 5 })
  const read = await readCifar(folder, cifar10)
  expect(dataSetSha256(read)).toBe(dataSetSha256({ ...createShapes(5), name: 'cifar10' }))
  expect(read.classNames).toEqual(shapeNames)
  expect((await readdir(folder)).sort()).toEqual([
    'batches.meta.txt',
    'data_batch_1.bin',
    'data_batch_2.bin',
    'data_batch_3.bin',
    'data_batch_4.bin',
    'data_batch_5.bin',
    'record-counts.json',
    'test_batch.bin',
  ])
})

test('the coloured shapes are the same after writing and reading them in the format of CIFAR-100, with superclasses', async () => {
  const folder = await synthesizeCifar({ format: cifar100, folder: temporaryFolder(), seed: 5 })
  const read = await readCifar(folder, cifar100)
  expect(dataSetSha256(read)).toBe(dataSetSha256(createColoredShapes(5)))
  const coarseNames = (await readFile(join(folder, 'coarse_label_names.txt'), 'utf8')).trim().split('\n')
  expect(coarseNames).toEqual(coloredShapeSuperclasses)
  const records = await readFile(join(folder, 'test.bin'))
  for (const record of [0, 7, 99]) {
    const [coarse, fine] = records.subarray(record * 3074, record * 3074 + 2)
    const shape = read.classNames[fine!]!.split(' ')[1]
    expect(coarseNames[coarse!]).toMatch(new RegExp(`^(warm|cool) ${shape}$`))
  }
})

test('an existing folder is not overwritten, and a truncated file in it is detected', async () => {
  const place = temporaryFolder()
  const folder = await synthesizeCifar({ format: cifar10, folder: place, seed: 5 })
  await truncate(join(folder, 'data_batch_5.bin'), 3073 * 2999)
  const again = synthesizeCifar({ format: cifar10, folder: place, seed: 5 })
  await expect(again).rejects.toMatchObject({ code: 'out-exists', kind: 'usage' })
  await expect(readCifar(folder, cifar10)).rejects.toMatchObject({
    code: 'data-damaged',
    expected: '9219000 bytes (3000 records of 3073)',
    received: '9215927 bytes: 2999 records',
  })
  expect(await readdir(place)).toEqual([cifar10.folder])
})

test('a place that cannot be written to is reported', async () => {
  const file = join(temporaryFolder(), 'file')
  await writeFile(file, '')
  const attempt = synthesizeCifar({ format: cifar10, folder: file, seed: 5 })
  await expect(attempt).rejects.toMatchObject({ code: 'out-unwritable' })
})
