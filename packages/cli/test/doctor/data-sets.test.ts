import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inspectDataSets } from '../../src/doctor/data-sets.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-doctor-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

const inspect = () => inspectDataSets({ LOCKSTEP_DATA_DIR: join(folder, 'data'), LOCKSTEP_CACHE_DIR: folder })

/** Writes the two files of CIFAR-100 with `records` records each: a coarse label, a fine label and 3072 bytes. */
async function writeCifar100(records: number): Promise<string> {
  const place = join(folder, 'data', 'cifar-100-binary')
  await mkdir(place, { recursive: true })
  const record = Buffer.alloc(3074)
  record[1] = 7
  await writeFile(join(place, 'train.bin'), Buffer.concat(Array(records).fill(record)))
  await writeFile(join(place, 'test.bin'), Buffer.concat(Array(records).fill(record)))
  return place
}

test('a data set that is not found is missing, with the command that fetches it', async () => {
  const [cifar10] = await inspect()
  expect(cifar10).toEqual({
    subject: 'Data set cifar10',
    state: 'missing',
    value: `not in ${join(folder, 'data')} or ${join(folder, 'data')}`,
    remedy: '`pnpm cli data fetch --dataset cifar10` downloads it, or set LOCKSTEP_DATA_DIR.',
  })
})

test('a data set with truncated files is a warning', async () => {
  const place = await writeCifar100(3)
  const [, cifar100] = await inspect()
  expect(cifar100).toMatchObject({ subject: 'Data set cifar100', state: 'warning', facts: { folder: place } })
  expect(cifar100?.remedy).toContain(`Remove ${place}`)
})

test('an intact data set is shown with its number of images', async () => {
  const place = await writeCifar100(5)
  await truncate(join(place, 'test.bin'), 3 * 3074)
  await writeFile(join(place, 'record-counts.json'), '{"trainRecords":5,"testRecords":3}')
  const [, cifar100] = await inspect()
  expect(cifar100).toEqual({
    subject: 'Data set cifar100',
    state: 'ok',
    value: `${place}: 5 training and 3 test images`,
    facts: { folder: place, trainSamples: 5, testSamples: 3 },
  })
})

test('the synthetic data set is always available', async () => {
  expect((await inspect()).at(-1)).toEqual({ subject: 'Data set synthetic', state: 'ok', value: 'embedded' })
})
