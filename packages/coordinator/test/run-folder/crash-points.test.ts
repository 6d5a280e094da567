import { mkdir, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { weightsSha256 } from '@lockstep/model'
import { LockstepError } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { crashingDisk } from '../support/crashing-disk.ts'
import { faultyDisk } from '../support/faulty-disk.ts'
import { temporaryFolder } from '../support/folder.ts'
import { trainAlone } from '../support/train-alone.ts'
import { resumeInto, trainInto } from '../support/train-into.ts'

const finalSha256 = weightsSha256(trainAlone().at(-1)!)
const withoutSyncs = { syncs: false }
const allLines = [1, 2, 3, 4, 'epoch 1', 5, 6, 7, 8, 'epoch 2']

async function linesIn(path: string): Promise<readonly unknown[]> {
  const lines = (await readFile(join(path, 'metrics.jsonl'), 'utf8')).split('\n')
  expect(lines.pop()).toBe('')
  return lines
    .map(line => JSON.parse(line))
    .map(({ type, epoch, step }) => (type === 'epoch' ? `epoch ${epoch}` : step))
}

/** Trains until the process dies at this change to the disk, then resumes the run. */
async function dieAndResume(change: number): Promise<void> {
  const path = join(await temporaryFolder(), 'run')
  await trainInto(path, { disk: crashingDisk(change).disk }).catch(error => {
    // What the dead process still does has no effect.
    if (!(error instanceof LockstepError)) throw error
  })
  const resumed = await resumeInto(path, { disk: faultyDisk(() => undefined, withoutSyncs) })
  expect(weightsSha256(resumed.plan.state.weights)).toBe(finalSha256)
  expect(await linesIn(path)).toEqual(allLines)
  expect(resumed.plan.state.history.epochs.map(({ epoch }) => epoch)).toEqual([1, 2])
  expect((await readdir(join(path, 'checkpoints'))).filter(name => !/^step-\d+\.ckpt$/.test(name))).toEqual([])
  expect((await readdir(path)).filter(name => name.endsWith('.partial'))).toEqual([])
}

describe('a process that is killed at any of its changes to the disk', () => {
  test('leaves a folder from which the run resumes to the same weights, with each line of metrics once', async () => {
    const whole = crashingDisk(Number.POSITIVE_INFINITY)
    const path = join(await temporaryFolder(), 'run')
    await trainInto(path, { disk: whole.disk })
    expect(await linesIn(path)).toEqual(allLines)
    const changes = whole.made()
    // Created files and folders, writes and renames, in eight steps with four checkpoints.
    expect(changes).toBeGreaterThan(40)
    for (let change = 1; change <= changes; change++) await dieAndResume(change)
  })
})

describe('a resumed run', () => {
  test('sets unusable checkpoints aside and reaches the same weights', async () => {
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
