import { join } from 'node:path'
import { weightsSha256 } from '@lockstep/model'
import { beforeEach, describe, expect, test } from 'vitest'
import type { CoordinatorOptions } from '../src/coordinator.ts'
import { temporaryFolder } from './support/folder.ts'
import { startSocketWorker } from './support/socket-worker.ts'
import { startTiny } from './support/start-coordinator.ts'
import { trainAlone } from './support/train-alone.ts'

const finalSha256 = weightsSha256(trainAlone().at(-1)!)
const forReplicas = ['evaluate', 'state', 'update', 'work']
let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'run')
})

/** Trains with two workers, who take a lane where they are offered one. */
async function trainWithTwo(options: Partial<CoordinatorOptions>) {
  const { url, finished } = await startTiny(path, { minWorkers: 2, ...options })
  const workers = [1, 2].map(() => startSocketWorker(url, { takesLane: true }))
  const { weightsSha256 } = await finished
  await Promise.all(workers.map(({ ended }) => ended))
  return { workers, weightsSha256 }
}

const host = (name: string) => ({ host: name, port: 0, tls: null })

describe('a run goes by lanes', () => {
  test.each([
    ['when all goes through the coordinator', { topology: 'star' }],
    ['when the coordinator may choose and is reached only from this machine', { topology: 'auto' }],
    ['when it is reached only from this machine, by its name', { topology: 'auto', listen: host('localhost') }],
    ['when all goes through the coordinator, wherever it listens', { topology: 'star', listen: host('0.0.0.0') }],
  ] satisfies [string, Partial<CoordinatorOptions>][])('%s', async (_, options) => {
    const { workers, weightsSha256 } = await trainWithTwo(options)
    expect(weightsSha256).toBe(finalSha256)
    for (const { heard, welcomed } of workers) {
      expect([...heard.lane]).toEqual(expect.arrayContaining(['lane', 'state', 'update', 'work']))
      expect([...heard.connection].filter(type => forReplicas.includes(type))).toEqual([])
      expect(await welcomed).toMatchObject({ direct: false })
    }
    // The few samples of an evaluation are one chunk.
    expect(workers.some(({ heard }) => heard.lane.has('evaluate'))).toBe(true)
  })
})

describe('a run goes without lanes', () => {
  test.each([
    ['when workers exchange gradients among themselves', { topology: 'direct' }, true],
    ['when workers of other machines may come and exchange them', { topology: 'auto', listen: host('0.0.0.0') }, true],
    ['when no memory is shared', { topology: 'star', shareMemory: false }, false],
  ] satisfies [string, Partial<CoordinatorOptions>, boolean][])('%s', async (_, options, direct) => {
    const stop = new AbortController()
    const { url, finished } = await startTiny(path, { minWorkers: 2, stop: stop.signal, ...options })
    const welcome = await startSocketWorker(url, { takesLane: true }).welcomed
    expect([welcome.sharedMemory?.lane ?? null, welcome.direct]).toEqual([null, direct])
    stop.abort()
    await finished
  })
})

test('workers with lanes and workers without train the same weights together', async () => {
  const { url, finished } = await startTiny(path, { minWorkers: 2 })
  const [by, without] = [startSocketWorker(url, { takesLane: true }), startSocketWorker(url)]
  expect((await finished).weightsSha256).toBe(finalSha256)
  expect([by.heard.lane.has('work'), without.heard.connection.has('work')]).toEqual([true, true])
})
