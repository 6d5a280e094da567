import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkpointVersion, encodeCheckpoint, weightsSha256 } from '@lockstep/model'
import { beforeEach, describe, expect, test } from 'vitest'
import { checkpointName, writeCheckpoint } from '../../src/checkpoints/checkpoint-files.ts'
import { describeUnusable, findCheckpoint, newestCheckpointStep } from '../../src/checkpoints/newest-checkpoint.ts'
import { systemDisk } from '../../src/disk/disk.ts'
import { encodeState } from '../../src/run-state.ts'
import { faultyDisk, systemError } from '../support/faulty-disk.ts'
import { temporaryFolder } from '../support/folder.ts'
import { tinyPlan } from '../support/tiny-plan.ts'

let path: string
let folder: string

/** A run with checkpoints of these steps. Every weight of a checkpoint is its step. */
beforeEach(async () => {
  path = await temporaryFolder()
  folder = join(path, 'checkpoints')
  for (const step of [4, 8, 12]) await write(step)
})

function bytesOf(step: number, runId = 'tiny-run'): Uint8Array {
  const { identity, state } = tinyPlan()
  return encodeState({ ...identity, runId }, { ...state, step, weights: state.weights.fill(step) })
}

async function write(step: number, content = bytesOf(step)): Promise<void> {
  await writeCheckpoint(folder, { step, content, keep: 9 })
}

const file = (step: number) => join(folder, checkpointName(step))

/** The step of the checkpoint that is found, and which ones are skipped and why. */
async function find() {
  const found = await findCheckpoint(path, { runId: 'tiny-run' })
  return { step: found.checkpoint.step, passed: found.unusable.map(({ name, reason }) => `${name}: ${reason}`), found }
}

describe('the newest checkpoint', () => {
  test('is used if nothing is wrong with it', async () => {
    const { step, passed, found } = await find()
    expect([step, passed]).toEqual([12, []])
    expect(weightsSha256(found.checkpoint.weights)).toBe(weightsSha256(tinyPlan().state.weights.fill(12)))
    expect(describeUnusable(found)).toEqual([])
  })

  test('is that of the latest step, whatever the order in which the disk lists the files', async () => {
    const list = async (folder: string) => [...(await systemDisk.list(folder))].sort().reverse()
    expect((await findCheckpoint(path, { disk: { ...systemDisk, list } })).checkpoint.step).toBe(12)
    expect(await newestCheckpointStep(path)).toBe(12)
  })

  test('is never one that was set aside', async () => {
    await writeFile(`${file(16)}.unusable`, bytesOf(16))
    expect(await find()).toMatchObject({ step: 12, passed: [] })
    expect(await newestCheckpointStep(path)).toBe(12)
  })

  test('is reported as missing if there is none', async () => {
    const missing = { code: 'no-checkpoint', kind: 'usage', message: `${path} holds no checkpoint` }
    await rm(folder, { recursive: true })
    await expect(findCheckpoint(path)).rejects.toMatchObject(missing)
    await mkdir(folder)
    await expect(findCheckpoint(path)).rejects.toMatchObject(missing)
  })
})

/** What can be wrong with the newest checkpoint. */
const faults: readonly (readonly [name: string, spoil: () => Promise<void>, reason: RegExp])[] = [
  ['is torn', () => truncate(file(12), 1000), /not written to its end.*expected \d+ bytes, received 1000 bytes/],
  ['is empty', () => truncate(file(12), 0), /not written to its end.*received 0 bytes/],
  ['ends in zeros', () => spoilBytes(bytes => bytes.fill(0, bytes.length / 2)), /has changed since it was/],
  ['has a flipped bit', () => spoilBytes(bytes => flipBit(bytes, 300)), /has changed since it was written/],
  ['is not a checkpoint', () => writeFile(file(12), 'not mine'), /this file is not a lockstep checkpoint/],
  ['has a newer format', () => write(12, ofVersion(checkpointVersion + 1)), /written by a newer lockstep/],
  [
    'belongs to another run',
    () => write(12, bytesOf(12, 'other')),
    /another run: expected run tiny-run, received run other/,
  ],
  ['is a folder', () => makeItAFolder(), /^step-000000012.ckpt: it is a folder$/],
]

async function makeItAFolder(): Promise<void> {
  await rm(file(12))
  await mkdir(join(file(12), 'inner'), { recursive: true })
}

async function spoilBytes(spoil: (bytes: Buffer) => void): Promise<void> {
  const bytes = await readFile(file(12))
  spoil(bytes)
  await writeFile(file(12), bytes)
}

function flipBit(bytes: Buffer, at: number): void {
  bytes[at] = bytes[at]! ^ 1
}

function ofVersion(version: number): Uint8Array {
  const { identity, state } = tinyPlan()
  const { step, position, weights, optimizer, history } = state
  const checkpoint = { ...identity, step, position, weights, optimizer, progress: history }
  return encodeCheckpoint({ ...checkpoint, version: version as typeof checkpointVersion })
}

describe('a newest checkpoint that', () => {
  test.each(faults)(
    '%s is skipped and named with the reason, and the previous one is used',
    async (_, spoil, reason) => {
      await spoil()
      const { step, passed, found } = await find()
      expect(step).toBe(8)
      expect(passed).toEqual([expect.stringMatching(reason)])
      expect(passed[0]).toMatch(/^step-000000012.ckpt: /)
      expect(describeUnusable(found)).toEqual([
        expect.stringMatching(/^step-000000012.ckpt cannot be used \(.*\); taking step-000000008.ckpt instead$/),
      ])
    },
  )

  test('cannot be read because no file descriptor is free is skipped too', async () => {
    const disk = faultyDisk(({ operation, path: read }) => {
      if (operation === 'read' && read === file(12)) throw systemError('EMFILE')
    })
    const { checkpoint, unusable } = await findCheckpoint(path, { disk })
    expect([checkpoint.step, unusable.map(({ reason }) => reason)]).toEqual([8, [expect.stringMatching(/EMFILE/)]])
  })

  test('is meanwhile deleted by a running coordinator, with all others, is replaced by a newer one', async () => {
    const { checkpoint, unusable } = await findCheckpoint(path, { runId: 'tiny-run', disk: dropping([16, 20]) })
    expect([checkpoint.step, unusable]).toEqual([20, []])
  })

  test('is meanwhile deleted is replaced only by one of the same run', async () => {
    const disk = dropping([16], () => write(20, bytesOf(20, 'other')))
    const { checkpoint, unusable } = await findCheckpoint(path, { runId: 'tiny-run', disk })
    expect([checkpoint.step, unusable.map(({ name }) => name)]).toEqual([16, [checkpointName(20)]])
  })

  /** A disk on which these checkpoints replace all others when the newest is read. */
  function dropping(steps: readonly number[], andThen = async () => {}) {
    return faultyDisk(async ({ operation, path: read }) => {
      if (operation !== 'read' || read !== file(12)) return
      for (const step of [4, 8, 12]) await rm(file(step))
      for (const step of steps) await write(step)
      await andThen()
    })
  }

  test('belongs to another run is used if the caller names no run', async () => {
    await write(12, bytesOf(12, 'other'))
    expect((await findCheckpoint(path)).checkpoint.runId).toBe('other')
  })
})

describe('several checkpoints that cannot be used', () => {
  test('are skipped down to the newest that can be used', async () => {
    await truncate(file(12), 10)
    await writeFile(file(8), 'not mine')
    const { step, passed } = await find()
    expect([step, passed.length]).toEqual([4, 2])
  })

  test('are each listed with the reason if there is no other', async () => {
    await truncate(file(12), 10)
    await writeFile(file(8), 'not mine')
    await write(4, bytesOf(4, 'other'))
    const failure = findCheckpoint(path, { runId: 'tiny-run' })
    await expect(failure).rejects.toMatchObject({
      code: 'no-usable-checkpoint',
      hint: expect.stringContaining('backup'),
      message: expect.stringMatching(
        /none of the checkpoints of .* step-000000012.ckpt: .*not written to its end.*; step-000000008.ckpt: .*not a lockstep.*; step-000000004.ckpt: .*another run/,
      ),
    })
  })
})
