import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cifar10, cifar100 } from '../../src/cifar/format.ts'
import { dataPlaces, findCifarFolder } from '../../src/cifar/locate.ts'
import { writeSmallCifar } from '../support/small-cifar.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('a data set is found in the folder that holds its folder, and by its folder itself', async () => {
  const place = temporaryFolder()
  const folder = await writeSmallCifar(place, cifar10)
  expect(await findCifarFolder(place, cifar10)).toBe(folder)
  expect(await findCifarFolder(folder, cifar10)).toBe(folder)
})

test('files that lie in a folder of another name are found too, even when some are missing', async () => {
  const place = temporaryFolder()
  await writeFile(join(place, 'data_batch_3.bin'), '')
  expect(await findCifarFolder(place, cifar10)).toBe(place)
})

test('an empty folder of the official name counts as found, so that it is told rather than passed over', async () => {
  const place = temporaryFolder()
  await mkdir(join(place, 'cifar-100-binary'))
  const folder = join(place, 'cifar-100-binary')
  expect(await findCifarFolder(place, cifar100)).toBe(folder)
  expect(await findCifarFolder(folder, cifar100)).toBe(folder)
  // As whoever stands in it names it.
  expect(await findCifarFolder(`${folder}/.`, cifar100)).toBe(`${folder}/.`)
})

test('other data sets, empty folders, files and nothing are no data set', async () => {
  const place = temporaryFolder()
  await writeSmallCifar(place, cifar10)
  expect(await findCifarFolder(place, cifar100)).toBeNull()
  expect(await findCifarFolder(temporaryFolder(), cifar10)).toBeNull()
  expect(await findCifarFolder(join(place, cifar10.folder, cifar10.testFile), cifar10)).toBeNull()
  expect(await findCifarFolder(join(place, 'absent'), cifar10)).toBeNull()
})

test('a folder that is named is the only place; else the environment comes before the cache', () => {
  const environment = { LOCKSTEP_DATA_DIR: '/data', LOCKSTEP_CACHE_DIR: '/cache' }
  expect(dataPlaces('/mine', environment)).toEqual(['/mine'])
  expect(dataPlaces(undefined, environment)).toEqual(['/data', join('/cache', 'data')])
  expect(dataPlaces(undefined, { LOCKSTEP_CACHE_DIR: '/cache' })).toEqual([join('/cache', 'data')])
})
