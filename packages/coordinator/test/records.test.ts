import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { temporaryFolder } from './support/folder.ts'
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
  test('after every so many steps, and at the end of each epoch', async () => {
    expect(await checkpointsOf({})).toEqual([3, 4, 6, 8])
    expect(await readdir(join(path, 'checkpoints'))).toHaveLength(3)
  })

  test('after every so many minutes, counted from the last one for whatever reason', async () => {
    // The clock is read at the beginning (10 ms), after each step and whenever a checkpoint is taken: step 2 ends at 30 ms, its
    // checkpoint is taken at 40, step 4 ends at 60, and the epoch has its own checkpoint at 80; so on in the second epoch.
    expect(await checkpointsOf({ checkpointMs: 20 })).toEqual([2, 4, 4, 6, 8, 8])
  })

  test('at the end of each epoch only, where no time and no number of steps is given', async () => {
    expect(await checkpointsOf({ checkpointMs: 0 })).toEqual([4, 8])
  })
})
