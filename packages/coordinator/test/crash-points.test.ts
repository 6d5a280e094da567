import { mkdir, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { weightsSha256 } from '@lockstep/model'
import { LockstepError } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from './support/folder.ts'
import { trainAlone } from './support/train-alone.ts'
import { resumeInto, trainInto } from './support/train-into.ts'
import { type DiskCall, systemError, type UnrulyDisk, unrulyDisk, writeHalf } from './support/unruly-disk.ts'

const finalSha256 = weightsSha256(trainAlone().at(-1)!)
const withoutSyncs = { syncs: false }
const allLines = [1, 2, 3, 4, 'epoch 1', 5, 6, 7, 8, 'epoch 2']

/** A disk on which nothing happens any more from its n-th call on, as if the process had been killed: of a write, half. */
function mortalDisk(calls: number): { readonly disk: UnrulyDisk; readonly made: () => number } {
  let made = 0
  const disk = unrulyDisk((call: DiskCall) => {
    // Of whoever dies the system closes the files.
    if (call.operation === 'close') return
    made++
    if (made < calls) return
    if (made === calls && call.operation === 'write') return writeHalf(call)
    throw systemError('EIO')
  }, withoutSyncs)
  return { disk, made: () => made }
}

async function linesIn(path: string): Promise<readonly unknown[]> {
  const lines = (await readFile(join(path, 'metrics.jsonl'), 'utf8')).split('\n')
  expect(lines.pop()).toBe('')
  return lines
    .map(line => JSON.parse(line))
    .map(({ type, epoch, step }) => (type === 'epoch' ? `epoch ${epoch}` : step))
}

/** Trains until the process dies at that call, and goes on from what it has left. False where there was no checkpoint yet. */
async function dieAndResume(calls: number): Promise<boolean> {
  const path = join(await temporaryFolder(), 'run')
  await trainInto(path, { disk: mortalDisk(calls).disk }).catch(error => {
    // What the dead process goes on to do has no effect.
    if (!(error instanceof LockstepError)) throw error
  })
  const resumed = await resumeInto(path, { disk: unrulyDisk(() => undefined, withoutSyncs) }).catch(error => {
    if (error instanceof LockstepError && error.code === 'no-checkpoint') return null
    throw error
  })
  if (resumed === null) return false
  expect(weightsSha256(resumed.plan.state.weights)).toBe(finalSha256)
  expect(await linesIn(path)).toEqual(allLines)
  expect(resumed.plan.state.history.epochs.map(({ epoch }) => epoch)).toEqual([1, 2])
  expect((await readdir(join(path, 'checkpoints'))).filter(name => !/^step-\d+\.ckpt$/.test(name))).toEqual([])
  expect((await readdir(path)).filter(name => name.endsWith('.partial'))).toEqual([])
  return true
}

describe('a process that is killed at any of its calls to the disk', () => {
  test('leaves a folder from which the run comes to the same weights, with each line of its metrics once', async () => {
    const whole = mortalDisk(Number.POSITIVE_INFINITY)
    const path = join(await temporaryFolder(), 'run')
    await trainInto(path, { disk: whole.disk })
    expect(await linesIn(path)).toEqual(allLines)
    const calls = whole.made()
    let [resumed, withoutCheckpoint] = [0, 0]
    for (let call = 1; call <= calls; call++) {
      if (await dieAndResume(call)) resumed++
      else withoutCheckpoint++
    }
    // The first checkpoint is there after some of the calls of the third step.
    expect(resumed).toBeGreaterThan(withoutCheckpoint)
  })
})

describe('a run that is gone on with', () => {
  test('sets checkpoints aside that cannot be used, and is not disturbed by them', async () => {
    const path = join(await temporaryFolder(), 'run')
    await trainInto(path)
    const folder = join(path, 'checkpoints')
    await truncate(join(folder, 'step-000000008.ckpt'), 100)
    await rm(join(folder, 'step-000000006.ckpt'))
    await mkdir(join(folder, 'step-000000006.ckpt', 'inner'), { recursive: true })
    const { plan } = await resumeInto(path)
    expect(weightsSha256(plan.state.weights)).toBe(finalSha256)
    expect((await readdir(folder)).sort()).toEqual([
      'step-000000004.ckpt',
      'step-000000006.ckpt',
      'step-000000006.ckpt.unusable',
      'step-000000008.ckpt',
      'step-000000008.ckpt.unusable',
    ])
    await truncate(join(folder, 'step-000000008.ckpt'), 100)
    await resumeInto(path)
    expect(await readdir(folder)).toContain('step-000000008.ckpt.unusable-2')
    expect(await linesIn(path)).toEqual(allLines)
  })
})
