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

/** Trains with two workers, which use a lane if they are offered one. */
async function trainWithTwo(options: Partial<CoordinatorOptions>) {
  const { url, finished } = await startTiny(path, { minWorkers: 2, ...options })
  const workers = [1, 2].map(() => startSocketWorker(url, { takesLane: true }))
  const { weightsSha256 } = await finished
  await Promise.all(workers.map(({ ended }) => ended))
  return { workers, weightsSha256 }
}

const host = (name: string) => ({ host: name, port: 0, tls: null })

describe('a run uses lanes', () => {
  test.each([
    ['when the topology is star', { topology: 'star' }],
    ['when the topology is auto and the address is 127.0.0.1', { topology: 'auto' }],
    ['when the topology is auto and the address is localhost', { topology: 'auto', listen: host('localhost') }],
    ['when the topology is star and the address is 0.0.0.0', { topology: 'star', listen: host('0.0.0.0') }],
  ] satisfies [string, Partial<CoordinatorOptions>][])('%s', async (_, options) => {
    const { workers, weightsSha256 } = await trainWithTwo(options)
    expect(weightsSha256).toBe(finalSha256)
    for (const { heard, welcomed } of workers) {
      expect([...heard.lane]).toEqual(expect.arrayContaining(['state', 'update', 'work']))
      expect([...heard.connection].filter(type => forReplicas.includes(type))).toEqual([])
      expect(await welcomed).toMatchObject({ direct: false })
    }
    // An evaluation of so few samples is one chunk, which one worker gets.
    expect(workers.some(({ heard }) => heard.lane.has('evaluate'))).toBe(true)
  })
})

describe('a run uses no lanes', () => {
  test.each([
    ['when the topology is direct', { topology: 'direct' }, true],
    ['when the topology is auto and the address is 0.0.0.0', { topology: 'auto', listen: host('0.0.0.0') }, true],
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

test('a worker with a lane and one without train the same weights together', async () => {
  const { url, finished } = await startTiny(path, { minWorkers: 2 })
  const [by, without] = [startSocketWorker(url, { takesLane: true }), startSocketWorker(url)]
  expect((await finished).weightsSha256).toBe(finalSha256)
  expect([by.heard.lane.has('work'), without.heard.connection.has('work')]).toEqual([true, true])
})
