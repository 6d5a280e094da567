import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inspectWorkers } from '../../src/doctor/workers.ts'
import {
  chooseRemoteWorkers,
  chooseWorkers,
  type WorkerRequest,
  workersOfHost,
} from '../../src/train/choose-workers.ts'

const free: WorkerRequest = {
  workers: null,
  threads: null,
  shards: null,
  minWorkers: null,
  batchSize: 50,
  isResumed: false,
}
const machine = (cores: number, memoryGigabytes = 64) => ({ cores, memoryBytes: memoryGigabytes * 1e9 })

function chosen(cores: number, request: Partial<WorkerRequest> = {}, memoryGigabytes?: number) {
  const { workers, threads, shards } = chooseWorkers({ ...free, ...request }, machine(cores, memoryGigabytes))
  return [workers, threads, shards]
}

describe('workers, threads and shards', () => {
  test('are one worker with one thread and one shard per core if the batch is large enough', () => {
    expect(chosen(1)).toEqual([1, 1, 1])
    expect(chosen(2)).toEqual([2, 1, 2])
    expect(chosen(4)).toEqual([4, 1, 4])
    expect(chosen(16, { batchSize: 400 })).toEqual([16, 1, 16])
  })

  test('are at most one worker per 12 samples, with threads for the other cores', () => {
    // 50 / 12 = 4.2 workers, and of 16 cores 4 for each. But a thread needs 6 samples, and 50 / 4 = 12.5 is twice 6.
    expect(chosen(8)).toEqual([4, 2, 4])
    expect(chosen(16)).toEqual([4, 2, 4])
    // 400 / 12 = 33.3 workers, of 64 cores one for each; and 64 / 33 = 1.9.
    expect(chosen(64, { batchSize: 400 })).toEqual([33, 1, 33])
    expect(chosen(8, { batchSize: 5 })).toEqual([1, 1, 1])
  })

  test('are at most as many workers as fit into half of the memory', () => {
    // 4 GB / 2 / 0.6 GB = 3.3; 50 / 3 / 6 = 2.8 threads' worth of samples, 8 / 3 = 2.7 cores.
    expect(chosen(8, {}, 4)).toEqual([3, 2, 3])
    expect(chosen(8, {}, 0.5)).toEqual([1, 8, 1])
  })

  test('fill the cores with threads if few workers are requested', () => {
    expect(chosen(8, { workers: 1 })).toEqual([1, 8, 1])
    // 50 / 2 / 6 = 4.2
    expect(chosen(16, { workers: 2 })).toEqual([2, 4, 2])
    expect(chosen(16, { workers: 2, batchSize: 400 })).toEqual([2, 8, 2])
  })

  test('are as requested', () => {
    expect(chosen(2, { workers: 4 })).toEqual([4, 1, 4])
    expect(chosen(8, { workers: 2, threads: 3, shards: 6 })).toEqual([2, 3, 6])
    expect(chosen(8, { threads: 4 })).toEqual([2, 4, 2])
    expect(chosen(8, { shards: 3 })).toEqual([3, 1, 3])
  })

  test('include one thread per worker if the shards are fixed or remote workers are expected', () => {
    expect(chosen(8, { workers: 1, shards: 4 })).toEqual([1, 1, 4])
    expect(chosen(8, { workers: 1, minWorkers: 2 })).toEqual([1, 1, 2])
    expect(chosen(8, { workers: 4, minWorkers: 2 })).toEqual([4, 1, 4])
  })

  test('of a coordinator without local workers are one shard per expected worker, and one thread', () => {
    expect(chooseRemoteWorkers(free)).toMatchObject({ workers: 0, threads: 1, shards: 1 })
    expect(chooseRemoteWorkers({ ...free, minWorkers: 3 })).toMatchObject({ threads: 1, shards: 3 })
    expect(chooseRemoteWorkers({ ...free, minWorkers: 3, shards: 8, threads: 2 })).toMatchObject({
      threads: 2,
      shards: 8,
    })
  })

  test('of a remote host are one worker per core, or per as many cores as a worker has threads, limited by memory', () => {
    const of = (threads: number, cores: number, gigabytes?: number) => workersOfHost(threads, machine(cores, gigabytes))
    // 4 GB / 2 / 0.6 GB = 3.3
    expect([of(1, 16), of(4, 16), of(3, 16), of(4, 2), of(1, 16, 4)]).toEqual([16, 4, 5, 1, 3])
  })

  test('never use more cores than exist or more shards than samples by default', () => {
    const number = (max: number) => fc.integer({ min: 1, max })
    fc.assert(
      fc.property(number(256), number(1000), number(512), (cores, batchSize, memory) => {
        const { workers, threads, shards, advice } = chooseWorkers({ ...free, batchSize }, machine(cores, memory))
        expect(workers * threads).toBeLessThanOrEqual(cores)
        expect(shards).toBeLessThanOrEqual(batchSize)
        expect(advice === null).toBe(workers * threads === cores)
      }),
    )
  })
})

describe('a run says', () => {
  const say = (cores: number, request: Partial<WorkerRequest> = {}) => {
    const { reason, advice } = chooseWorkers({ ...free, ...request }, machine(cores))
    return [reason, advice]
  }

  test('why it has this number of workers and threads', () => {
    expect(say(2)).toEqual(['2 cores: one worker for each core', null])
    expect(say(8)).toEqual(['8 cores: one worker for 12 samples, threads for the other cores', null])
    // 50 / 4 = 12.5 samples per worker.
    expect(say(4)).toEqual(['4 cores: one worker for each core', null])
    expect(say(8, { threads: 4 })[0]).toBe('8 cores: one worker for 4 cores')
    expect(say(8, { shards: 3 })[0]).toBe('8 cores: one worker for each shard')
    expect(say(1, { workers: 1 })[0]).toBe('1 core: as many workers as asked for')
  })

  test('if threads share cores', () => {
    expect(say(2, { workers: 4 })[1]).toBe('4 threads share 2 cores: fewer workers would be as fast')
  })

  test('if cores would stay idle, and what would use them', () => {
    expect(say(16)[1]).toBe('8 cores would stay idle: a larger --batch-size could use more')
    expect(say(8, { workers: 2, shards: 2 })[1]).toBe('6 cores would stay idle: more --workers, or --threads 4')
    expect(say(3, { workers: 2, shards: 2 })[1]).toBe('1 core would stay idle: more --workers')
  })

  test('only what can still change if it is resumed', () => {
    const resumed = { threads: 1, shards: 2, isResumed: true }
    expect(say(8, { ...resumed, workers: 1 })[1]).toBe('7 cores would stay idle: more --workers')
    expect(say(8, { ...resumed, workers: 2 })[1]).toBeNull()
    expect(say(8, resumed)[1]).toBeNull()
    expect(say(2, { ...resumed, workers: 4 })[1]).toBe(
      '4 threads share 2 cores: fewer workers would be as fast; 4 workers for 2 shards: some have nothing to do',
    )
  })

  test('if workers have no shard', () => {
    expect(say(4, { workers: 4, shards: 3 })[1]).toBe('4 workers for 3 shards: some have nothing to do')
  })
})

describe('the doctor', () => {
  test('shows what would be chosen, and what for a large batch if that differs', () => {
    expect(inspectWorkers(machine(2)).value).toBe('2 cores → --workers 2 --threads 1')
    expect(inspectWorkers(machine(16)).value).toBe(
      '16 cores → --workers 4 --threads 2; with --batch-size 400: --workers 16 --threads 1',
    )
  })
})
