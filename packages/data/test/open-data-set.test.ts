import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cifar10, cifar100 } from '../src/cifar/format.ts'
import { type OpenOptions, openDataSet } from '../src/open-data-set.ts'
import { serve } from './support/file-server.ts'
import { writeSmallCifar } from './support/small-cifar.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

function openingOf(options: Partial<OpenOptions>): OpenOptions & { readonly notices: string[] } {
  const notices: string[] = []
  return {
    environment: { LOCKSTEP_CACHE_DIR: temporaryFolder() },
    offline: true,
    onProgress: () => undefined,
    onNotice: notice => notices.push(notice),
    notices,
    ...options,
  }
}

test('a data set is opened from the given folder', async () => {
  const dataDir = temporaryFolder()
  const folder = await writeSmallCifar(dataDir, cifar100)
  const dataSet = await openDataSet(openingOf({ dataset: 'cifar100', dataDir }))
  expect([dataSet.name, dataSet.source, dataSet.train.count]).toEqual(['cifar100', folder, 4])
})

test('the default is CIFAR-10, from the folder in the environment or else from the cache', async () => {
  const [cache, named] = [temporaryFolder(), temporaryFolder()]
  const inCache = await writeSmallCifar(join(cache, 'data'), cifar10)
  const inNamed = await writeSmallCifar(named, cifar10)
  const environment = { LOCKSTEP_CACHE_DIR: cache, LOCKSTEP_DATA_DIR: named }
  expect((await openDataSet(openingOf({ environment }))).source).toBe(inNamed)
  await rm(inNamed, { recursive: true })
  const opening = openingOf({ environment })
  expect((await openDataSet(opening)).source).toBe(inCache)
  expect(opening.notices).toEqual([])
})

test('the synthetic set needs no folder and gives no notice', async () => {
  const opening = openingOf({ dataset: 'synthetic' })
  const dataSet = await openDataSet(opening)
  expect([dataSet.name, dataSet.source]).toEqual(['synthetic', 'embedded'])
  expect(opening.notices).toEqual([])
})

test('if CIFAR-10 is not available, the synthetic set replaces it with a notice', async () => {
  const opening = openingOf({})
  expect((await openDataSet(opening)).name).toBe('synthetic')
  expect(opening.notices).toHaveLength(1)
  expect(opening.notices[0]).toMatch(/CIFAR-10 is not available[\s\S]*SYNTHETIC/)
  expect(opening.notices[0]).toContain('pnpm cli data fetch --dataset cifar10')
})

test('an unofficial archive is not used by default', async () => {
  const { address, ranges } = await serve((_, response) => void response.end('not an archive'))
  const cache = temporaryFolder()
  const environment = { LOCKSTEP_CACHE_DIR: cache, LOCKSTEP_DATA_MIRROR: address }
  const opening = openingOf({ environment, offline: false })
  expect((await openDataSet(opening)).name).toBe('synthetic')
  expect(opening.notices[0]).toMatch(/is not the official archive of CIFAR-10/)
  expect(ranges).toHaveLength(1)
  expect(await readdir(join(cache, 'data'))).toEqual([])
})

test('no server is contacted when offline', async () => {
  const { address, ranges } = await serve((_, response) => void response.end())
  const environment = { LOCKSTEP_CACHE_DIR: temporaryFolder(), LOCKSTEP_DATA_MIRROR: address }
  await openDataSet(openingOf({ environment }))
  expect(ranges).toEqual([])
})

test('the error for a requested data set that is not available says where it was searched', async () => {
  const { address } = await serve((_, response) => void response.writeHead(404).end())
  const environment = {
    LOCKSTEP_CACHE_DIR: '/nowhere/cache',
    LOCKSTEP_DATA_DIR: '/nowhere/data',
    LOCKSTEP_DATA_MIRROR: address,
  }
  await expect(openDataSet(openingOf({ dataset: 'cifar100', environment }))).rejects.toMatchObject({
    code: 'data-not-found',
    received: expect.stringMatching(
      /\/nowhere\/data \(which does not exist\) or \/nowhere\/cache\/data; the network is not to be used/,
    ),
    hint: expect.stringContaining('--from FILE'),
  })
  const online = openingOf({
    dataset: 'cifar100',
    environment: { ...environment, LOCKSTEP_CACHE_DIR: temporaryFolder() },
    offline: false,
  })
  await expect(openDataSet(online)).rejects.toMatchObject({
    code: 'data-not-found',
    received: expect.stringMatching(/cifar-100-binary.tar.gz cannot be downloaded \(HTTP status 404\)/),
    hint: expect.stringContaining('`pnpm cli data fetch --dataset cifar100` tries again'),
  })
})

test('a damaged data set is an error and is not replaced by the synthetic one', async () => {
  const dataDir = temporaryFolder()
  const folder = await writeSmallCifar(dataDir, cifar10)
  await rm(join(folder, 'data_batch_2.bin'))
  const environment = { LOCKSTEP_CACHE_DIR: temporaryFolder(), LOCKSTEP_DATA_DIR: dataDir }
  for (const opening of [openingOf({ dataDir }), openingOf({ environment })]) {
    await expect(openDataSet(opening)).rejects.toMatchObject({
      code: 'data-missing',
      message: `${join(folder, 'data_batch_2.bin')} is missing`,
    })
  }
})

test('a command that only looks contacts no server, and its error says how to get the data set', async () => {
  const { address, ranges } = await serve((_, response) => void response.end())
  const environment = { LOCKSTEP_CACHE_DIR: temporaryFolder(), LOCKSTEP_DATA_MIRROR: address }
  const looking = openingOf({ dataset: 'cifar10', environment, offline: false, looksOnly: true })
  await expect(openDataSet(looking)).rejects.toMatchObject({
    code: 'data-not-found',
    received: expect.not.stringContaining('network'),
    hint: expect.stringContaining('`pnpm cli data fetch --dataset cifar10` gets it, or'),
  })
  expect(ranges).toEqual([])
})

test('the error for a given folder that does not exist says how to fetch the data set into it', async () => {
  await expect(openDataSet(openingOf({ dataDir: '/nowhere/my data' }))).rejects.toMatchObject({
    code: 'data-missing',
    message: '/nowhere/my data does not exist',
    hint: "`pnpm cli data fetch --dataset cifar10 --data-dir '/nowhere/my data'` puts it there.",
  })
})

test('a given folder without the data set is an error, even if the cache has it', async () => {
  const cache = temporaryFolder()
  await writeSmallCifar(join(cache, 'data'), cifar10)
  const dataDir = temporaryFolder()
  await mkdir(join(dataDir, 'something'))
  await expect(openDataSet(openingOf({ dataDir, environment: { LOCKSTEP_CACHE_DIR: cache } }))).rejects.toMatchObject({
    code: 'data-missing',
    message: `${dataDir} does not hold CIFAR-10`,
    hint: expect.stringContaining(`--data-dir ${dataDir}`),
  })
})

test('the error for a folder with the other data set suggests --dataset', async () => {
  const dataDir = temporaryFolder()
  await writeSmallCifar(dataDir, cifar100)
  await expect(openDataSet(openingOf({ dataDir }))).rejects.toMatchObject({
    code: 'data-missing',
    hint: 'It holds CIFAR-100: use --dataset cifar100.',
  })
})
