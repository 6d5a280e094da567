import { existsSync } from 'node:fs'
import { readdir, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { type Checkpoint, weightsSha256 } from '@lockstep/model'
import { LockstepError } from '@lockstep/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { describeSecondBest, findBestCheckpoint } from '../../src/checkpoints/best-checkpoint.ts'
import { checkpointName, stepOfCheckpoint } from '../../src/checkpoints/checkpoint-files.ts'
import { findCheckpoint } from '../../src/checkpoints/newest-checkpoint.ts'
import { type Disk, systemDisk } from '../../src/disk/disk.ts'
import type { EpochMetrics } from '../../src/metrics.ts'
import { createRunFolder, type RunFolder, reopenRunFolder } from '../../src/run-folder/run-folder.ts'
import { byValidationLoss } from '../../src/training/history.ts'
import { checkpointAt } from '../support/checkpoint-at.ts'
import { crashingDisk } from '../support/crashing-disk.ts'
import { epochWith } from '../support/epoch-metrics.ts'
import { faultyDisk, systemError } from '../support/faulty-disk.ts'
import { temporaryFolder } from '../support/folder.ts'

const config = { runId: 'written' }
let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'run')
})

/** The epochs of a run, each of four steps. */
function epochsWith(losses: readonly (number | null)[]): readonly EpochMetrics[] {
  return losses.map((validationLoss, index) => epochWith(index + 1, { validationLoss }))
}

function checkpointAfter(epochs: readonly EpochMetrics[]): Checkpoint {
  const progress = { epochs, trainSeconds: 0, measuredSamples: 0, measuredSeconds: 0 }
  return { ...checkpointAt(epochs.at(-1)?.step ?? 0), progress }
}

const newFolder = (keep: number, disk: Disk = systemDisk) => createRunFolder(path, config, disk, { keep })

/** Writes the checkpoints at the ends of the epochs from `first` on, as a run does. */
async function writeEpochs(folder: RunFolder, losses: readonly (number | null)[], first = 1): Promise<void> {
  const epochs = epochsWith(losses)
  for (let count = first; count <= losses.length; count++) {
    const done = epochs.slice(0, count)
    await folder.writeCheckpoint(
      checkpointAfter(done),
      byValidationLoss(done).map(({ step }) => step),
    )
  }
}

async function stepsIn(): Promise<readonly number[]> {
  const names = (await readdir(join(path, 'checkpoints'))).filter(name => name.endsWith('.ckpt'))
  return names.map(stepOfCheckpoint).sort((a, b) => a - b)
}

const file = (step: number) => join(path, 'checkpoints', checkpointName(step))

describe('the checkpoint of the best epoch', () => {
  test('is kept beside the newest ones, but only as long as its epoch is the best', async () => {
    const folder = await newFolder(2)
    const losses = [3, 1, 2, 4, 5]
    await writeEpochs(folder, losses)
    expect(await stepsIn()).toEqual([8, 16, 20])
    await writeEpochs(folder, [...losses, 0.5, 6, 7], 6)
    expect(await stepsIn()).toEqual([24, 28, 32])
  })

  test('counts as one of the newest while it is one', async () => {
    await writeEpochs(await newFolder(2), [3, 2, 1])
    expect(await stepsIn()).toEqual([8, 12])
  })

  test('is found with the weights that it was written with', async () => {
    await writeEpochs(await newFolder(1), [3, 1, 2, 4])
    const { name, epoch, checkpoint, unusable } = await findBestCheckpoint(path, config)
    expect([name, epoch, unusable]).toEqual([checkpointName(8), 2, []])
    expect(weightsSha256(checkpoint.weights)).toBe(weightsSha256(checkpointAt(8).weights))
    expect((await findCheckpoint(path, config)).checkpoint.step).toBe(16)
  })

  test('is that of the earlier of two epochs with the same loss', async () => {
    await writeEpochs(await newFolder(1), [3, 1, 1])
    expect((await findBestCheckpoint(path, config)).epoch).toBe(2)
  })

  test('is replaced by that of the next best epoch if it could not be written to a full disk', async () => {
    const full = faultyDisk(({ operation, path: written }) => {
      if (operation === 'write' && written.includes(checkpointName(8))) throw systemError('ENOSPC')
    })
    const folder = await newFolder(1, full)
    const losses = [3, 1, 4, 5]
    await writeEpochs(folder, losses.slice(0, 1))
    await expect(writeEpochs(folder, losses.slice(0, 2), 2)).rejects.toMatchObject({ code: 'disk-full' })
    await writeEpochs(folder, losses, 3)
    expect(await stepsIn()).toEqual([4, 16])
    const found = await findBestCheckpoint(path, config)
    expect(found.epoch).toBe(1)
    expect(describeSecondBest(found)).toBe(
      'step-000000008.ckpt of epoch 2, the best one, cannot be used (it is not there); using epoch 1, the best usable one',
    )
  })

  test('is replaced by that of the next best epoch if it is damaged, with a message', async () => {
    await writeEpochs(await newFolder(9), [3, 1, 2])
    await truncate(file(8), 100)
    const found = await findBestCheckpoint(path, config)
    expect(found.epoch).toBe(3)
    expect(describeSecondBest(found)).toMatch(
      /^step-000000008.ckpt of epoch 2, .*not written to its end.*; using epoch 3/,
    )
  })

  test('is that of a better epoch if a coordinator has replaced it meanwhile', async () => {
    const folder = await newFolder(1)
    const losses = [3, 1, 2]
    await writeEpochs(folder, losses)
    const disk = faultyDisk(async ({ operation, path: read }) => {
      if (operation === 'kindOf' && read === file(8)) await writeEpochs(folder, [...losses, 0.5], 4)
    })
    const { epoch, unusable } = await findBestCheckpoint(path, { ...config, disk })
    expect([epoch, unusable]).toEqual([4, []])
  })

  test('is reported as missing before the first epoch ends, and without a validation set', async () => {
    const folder = await newFolder(1)
    await folder.writeCheckpoint(checkpointAfter([]))
    const early = { code: 'no-best-epoch', kind: 'usage', message: `${path} has no best epoch: none is done yet` }
    await expect(findBestCheckpoint(path, config)).rejects.toMatchObject(early)
    await writeEpochs(folder, [null, null])
    expect(await stepsIn()).toEqual([8])
    await expect(findBestCheckpoint(path, config)).rejects.toMatchObject({
      code: 'no-best-epoch',
      message: `${path} has no best epoch: it was trained without a validation set`,
      hint: 'Use `--weights last`.',
    })
  })

  test('is reported as missing if the checkpoint of no epoch is left', async () => {
    const folder = await newFolder(1)
    await writeEpochs(folder, [1])
    await folder.writeCheckpoint({ ...checkpointAfter(epochsWith([1])), step: 5 })
    await rm(file(4), { force: true })
    await expect(findBestCheckpoint(path, config)).rejects.toMatchObject({
      code: 'no-best-epoch',
      message: expect.stringMatching(
        /no usable checkpoint of the best epoch or of any other: step-000000004.ckpt: it is not there$/,
      ),
    })
  })
})

const losses = [3, 1, 2, 0.5, 4, 5]

/** Writes the run until the process dies at this change to the disk; then another process continues it. */
async function dieAndGoOn(change: number): Promise<void> {
  path = join(await temporaryFolder(), 'run')
  const dying = crashingDisk(change)
  await newFolder(1, dying.disk)
    .then(folder => writeEpochs(folder, losses))
    .catch(error => {
      if (!(error instanceof LockstepError)) throw error
    })
  // Before there is a checkpoint, nothing can have been lost.
  if (!existsSync(join(path, 'config.json')) || (await stepsIn()).length === 0) return
  const known = (await findCheckpoint(path, config)).checkpoint.step / 4
  const best = byValidationLoss(epochsWith(losses.slice(0, known)))[0]!.epoch
  const { epoch, unusable } = await findBestCheckpoint(path, config)
  expect([epoch, unusable]).toEqual([best, []])
  const epochs = epochsWith(losses.slice(0, known))
  const folder = await reopenRunFolder(path, { epochs, step: 4 * known }, config, systemDisk, { keep: 1 })
  await writeEpochs(folder, losses, known + 1)
  expect((await findBestCheckpoint(path, config)).epoch).toBe(4)
  if (known < losses.length) expect(await stepsIn()).toEqual([16, 24])
}

test('a process that is killed at any change to the disk leaves the checkpoint of the best epoch so far', async () => {
  const whole = crashingDisk(Number.POSITIVE_INFINITY)
  await writeEpochs(await newFolder(1, whole.disk), losses)
  expect(await stepsIn()).toEqual([16, 24])
  // Six checkpoints: each is opened, written and renamed, and five of them delete another one.
  expect(whole.made()).toBeGreaterThan(23)
  for (let change = 1; change <= whole.made(); change++) await dieAndGoOn(change)
})
