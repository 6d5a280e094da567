import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { CoordinatorEvent } from '../src/events.ts'
import { createRecords } from '../src/records.ts'
import type { RunFolder } from '../src/run-folder/run-folder.ts'
import { startPosition } from '../src/run-state.ts'
import { createLossTrail } from '../src/training/divergence.ts'
import { epochWith } from './support/epoch-metrics.ts'
import { temporaryFolder } from './support/folder.ts'
import { stepWith } from './support/step-metrics.ts'
import { tinyPlan, tinyState } from './support/tiny-plan.ts'
import { trainInto } from './support/train-into.ts'

let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'run')
})

/** The steps after which a run of 2 epochs of 4 steps has written checkpoints. */
async function checkpointsOf(options: Parameters<typeof trainInto>[1]): Promise<readonly number[]> {
  const steps: number[] = []
  await trainInto(path, {
    ...options,
    onEvent: event => {
      if (event.type === 'checkpoint') steps.push(event.step)
    },
  })
  return steps
}

describe('a run writes a checkpoint', () => {
  test('after a given number of steps and at the end of each epoch', async () => {
    expect(await checkpointsOf({})).toEqual([3, 4, 6, 8])
    expect(await readdir(join(path, 'checkpoints'))).toHaveLength(3)
  })

  test('after a given time since the last one, whatever that was written for', async () => {
    // The clock is read at the start (10 ms), after each step and whenever a checkpoint is taken: step 2 ends at 30 ms,
    // its checkpoint is taken at 40, step 4 ends at 60, and the epoch has its own checkpoint at 80. The second epoch is
    // alike.
    expect(await checkpointsOf({ checkpointMs: 20 })).toEqual([2, 4, 4, 6, 8, 8])
  })

  test('only at the end of each epoch if no interval is given', async () => {
    expect(await checkpointsOf({ checkpointMs: 0 })).toEqual([4, 8])
  })
})

test('a folder keeps the checkpoint of the best epoch besides the newest ones', async () => {
  // Resumed after an epoch whose loss no later one reaches. Its checkpoint is the first one in the folder.
  const state = tinyState()
  state.step = 4
  state.position = startPosition(2)
  state.history.epochs.push(epochWith(1, { validationLoss: 0, step: 0 }))
  const plan = tinyPlan({ epochs: 4 }, state)
  await trainInto(path, { plan })
  expect(await readdir(join(path, 'checkpoints'))).toEqual(
    [0, 12, 15, 16].map(step => `step-${String(step).padStart(9, '0')}.ckpt`),
  )
})

const failed = (systemCode: string) =>
  new LockstepError('file-not-written', 'metrics.jsonl was not written', {
    cause: Object.assign(new Error(systemCode), { code: systemCode }),
  })

/** Records in a folder whose writes are noted and fail with the failure of `disk`, if there is one. */
function createTested() {
  const writes: string[] = []
  const events: CoordinatorEvent[] = []
  const disk: { failure: LockstepError | null } = { failure: null }
  const write = async (what: string) => {
    writes.push(what)
    if (disk.failure !== null) throw disk.failure
  }
  const folder: RunFolder = {
    path: 'run',
    life: 1,
    refuseSuperseded: async () => undefined,
    appendEpoch: () => write('epoch'),
    appendStep: () => write('step'),
    settleMetrics: () => write('metrics settled'),
    writeSummary: () => write('summary'),
    writeModel: () => write('model'),
    writeCheckpoint: async () => {
      await write('checkpoint')
      return 'checkpoint'
    },
  }
  const records = createRecords({
    plan: tinyPlan(),
    folder,
    losses: createLossTrail(),
    checkpointEvery: 0,
    checkpointMinutes: 0,
    nowMs: () => 0,
    onEvent: event => events.push(event),
  })
  const step = () => records.onStep(stepWith(1))
  const told = () => events.map(event => (event.type === 'not-written' ? event.what : event.type))
  return { records, writes, disk, step, told }
}

describe('records on a disk that fails', () => {
  test('report each reason once until a write succeeds', async () => {
    const { records, disk, step, told } = createTested()
    disk.failure = failed('ENOSPC')
    await step()
    await step()
    expect(told()).toEqual(['metrics'])
    // Another reason under the same error code.
    disk.failure = failed('EIO')
    await step()
    await step()
    expect(told()).toEqual(['metrics', 'metrics'])
    disk.failure = null
    await records.checkpointing.take()
    await records.settle()
    expect(told()).toEqual(['metrics', 'metrics', 'written-again', 'checkpoint'])
    disk.failure = failed('EIO')
    await step()
    expect(told().at(-1)).toBe('metrics')
  })

  test('end the run if another coordinator has superseded it', async () => {
    const { disk, step, told } = createTested()
    disk.failure = new LockstepError('superseded', 'another coordinator has gone on')
    await expect(step()).rejects.toBe(disk.failure)
    expect(told()).toEqual([])
  })
})

test('records settle the metrics before a checkpoint and at the end', async () => {
  const { records, writes } = createTested()
  await records.checkpointing.take()
  await records.settle()
  expect(writes).toEqual(['metrics settled', 'checkpoint', 'metrics settled'])
})
