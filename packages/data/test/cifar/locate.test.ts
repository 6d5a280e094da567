import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cifar10, cifar100 } from '../../src/cifar/format.ts'
import { dataPlaces, findCifarFolder } from '../../src/cifar/locate.ts'
import { writeSmallCifar } from '../support/small-cifar.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('a data set is found by its own folder or by the parent of that folder', async () => {
  const place = temporaryFolder()
  const folder = await writeSmallCifar(place, cifar10)
  expect(await findCifarFolder(place, cifar10)).toBe(folder)
  expect(await findCifarFolder(folder, cifar10)).toBe(folder)
})

test('files in a folder of another name are found, even if some are missing', async () => {
  const place = temporaryFolder()
  await writeFile(join(place, 'data_batch_3.bin'), '')
  expect(await findCifarFolder(place, cifar10)).toBe(place)
})

test('an empty folder of the official name counts as found', async () => {
  const place = temporaryFolder()
  await mkdir(join(place, 'cifar-100-binary'))
  const folder = join(place, 'cifar-100-binary')
  expect(await findCifarFolder(place, cifar100)).toBe(folder)
  expect(await findCifarFolder(folder, cifar100)).toBe(folder)
  expect(await findCifarFolder(`${folder}/.`, cifar100)).toBe(`${folder}/.`)
})

test('nothing is found in the folder of another data set, an empty folder, a file or a missing folder', async () => {
  const place = temporaryFolder()
  await writeSmallCifar(place, cifar10)
  expect(await findCifarFolder(place, cifar100)).toBeNull()
  expect(await findCifarFolder(temporaryFolder(), cifar10)).toBeNull()
  expect(await findCifarFolder(join(place, cifar10.folder, cifar10.testFile), cifar10)).toBeNull()
  expect(await findCifarFolder(join(place, 'absent'), cifar10)).toBeNull()
})

test('only the given folder is searched; without one, the environment comes before the cache', () => {
  const environment = { LOCKSTEP_DATA_DIR: '/data', LOCKSTEP_CACHE_DIR: '/cache' }
  expect(dataPlaces('/mine', environment)).toEqual(['/mine'])
  expect(dataPlaces(undefined, environment)).toEqual(['/data', join('/cache', 'data')])
  expect(dataPlaces(undefined, { LOCKSTEP_CACHE_DIR: '/cache' })).toEqual([join('/cache', 'data')])
})
