import { mkdir, readdir, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeCheckpoint } from '@lockstep/model'
import { LockstepError } from '@lockstep/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { systemDisk } from '../../src/disk/disk.ts'
import { runFiles } from '../../src/run-folder/run-files.ts'
import {
  createRunFolder,
  type RunFolder,
  type RunFolderOptions,
  refuseTaken,
  reopenRunFolder,
} from '../../src/run-folder/run-folder.ts'
import { summarizeRun, summaryFacts } from '../../src/summary.ts'
import { checkpointAt } from '../support/checkpoint-at.ts'
import { epochWith } from '../support/epoch-metrics.ts'
import { temporaryFolder } from '../support/folder.ts'
import { tinyPlan } from '../support/tiny-plan.ts'

const config = { seed: 1 }
const ofNewRun = [runFiles.checkpoints, runFiles.config, 'life.json', runFiles.metrics]
let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'runs', 'first')
})

const linesOf = async (file: string) => (await readFile(join(path, file), 'utf8')).split('\n')

describe('a new run folder', () => {
  test('is created with the missing folders above it and holds the configuration', async () => {
    const folder = await createRunFolder(path, config)
    expect(folder.path).toBe(path)
    expect((await readdir(path)).sort()).toEqual(ofNewRun)
    expect(JSON.parse(await readFile(join(path, runFiles.config), 'utf8'))).toEqual(config)
  })

  test('may be an existing one that holds no run', async () => {
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'notes.txt'), 'mine')
    await createRunFolder(path, config)
    expect((await readdir(path)).sort()).toEqual([...ofNewRun, 'notes.txt'])
  })

  test('is refused if there is a run already, which stays as it was', async () => {
    await createRunFolder(path, config)
    const second = createRunFolder(path, { seed: 2 })
    await expect(second).rejects.toMatchObject({ code: 'run-folder-taken', kind: 'usage' })
    await expect(second).rejects.toThrow(`${path} already holds a run`)
    expect(JSON.parse(await readFile(join(path, runFiles.config), 'utf8'))).toEqual(config)
  })

  test('is refused if its path is a file', async () => {
    const file = join(path, '..', '..', 'file')
    await writeFile(file, 'text')
    await expect(refuseTaken(file)).rejects.toMatchObject({ code: 'run-folder-taken', message: `${file} is a file` })
    await expect(createRunFolder(file, config)).rejects.toMatchObject({ code: 'run-folder-taken' })
    expect(await readFile(file, 'utf8')).toBe('text')
  })

  test('is refused if a part of its path is a file', async () => {
    const file = join(path, '..', '..', 'file')
    await writeFile(file, 'text')
    await expect(createRunFolder(join(file, 'run'), config)).rejects.toMatchObject({
      code: 'run-folder-inside-file',
      kind: 'usage',
      message: expect.stringContaining('a part of its path is a file'),
    })
  })
})

describe('what a run writes', () => {
  let folder: RunFolder

  beforeEach(async () => {
    folder = await createRunFolder(path, config, systemDisk, { keep: 3 })
  })

  test('includes a line for each epoch', async () => {
    await folder.appendEpoch(epochWith(1))
    await folder.appendEpoch(epochWith(2, { validationLoss: null }))
    const lines = await linesOf(runFiles.metrics)
    expect(lines.pop()).toBe('')
    expect(lines.map(line => JSON.parse(line))).toEqual([epochWith(1), epochWith(2, { validationLoss: null })])
  })

  test('includes the model, each file under its name', async () => {
    await folder.writeModel({ 'model.json': '{}', 'weights.bin': Uint8Array.of(1, 2) })
    await folder.writeModel({ 'model.json': '{"new":1}', 'weights.bin': Uint8Array.of(3) })
    expect((await readdir(join(path, runFiles.model))).sort()).toEqual(['model.json', 'weights.bin'])
    expect(await readFile(join(path, runFiles.model, 'model.json'), 'utf8')).toBe('{"new":1}')
  })

  test('includes the newest checkpoints, as many as are to be kept', async () => {
    const keeping = async (name: string, options: RunFolderOptions) => {
      const other = await createRunFolder(join(path, name), config, systemDisk, options)
      for (const step of [1, 2, 3, 4]) await other.writeCheckpoint(checkpointAt(step))
      return readdir(join(other.path, runFiles.checkpoints))
    }
    expect(await keeping('one', { keep: 1 })).toEqual(['step-000000004.ckpt'])
    expect(await keeping('more', { keep: 9 })).toHaveLength(4)
    expect(await keeping('all', {})).toHaveLength(4)
  })

  test('includes the three newest checkpoints, by step and not by name', async () => {
    for (const step of [9, 10, 500, 1000]) await folder.writeCheckpoint(checkpointAt(step))
    const file = await folder.writeCheckpoint(checkpointAt(1_000_000))
    expect(await readdir(join(path, runFiles.checkpoints))).toEqual([
      'step-000000500.ckpt',
      'step-000001000.ckpt',
      'step-001000000.ckpt',
    ])
    expect(file).toBe(join(path, runFiles.checkpoints, 'step-001000000.ckpt'))
    expect(decodeCheckpoint(await readFile(file))).toEqual(checkpointAt(1_000_000))
  })

  test('includes a checkpoint even if the folder of checkpoints has been removed', async () => {
    await folder.writeCheckpoint(checkpointAt(1))
    await rm(join(path, runFiles.checkpoints), { recursive: true })
    expect(decodeCheckpoint(await readFile(await folder.writeCheckpoint(checkpointAt(2)))).step).toBe(2)
  })

  test('is still written if the configuration is damaged, but not if it is that of another run', async () => {
    const own = await createRunFolder(join(path, 'own'), { runId: 'own' })
    await writeFile(join(own.path, runFiles.config), '{')
    await own.appendEpoch(epochWith(1))
    await writeFile(join(own.path, runFiles.config), '{"runId":"other"}')
    await expect(own.appendEpoch(epochWith(2))).rejects.toMatchObject({ code: 'superseded' })
  })

  test('leaves unknown files among the checkpoints alone', async () => {
    await folder.writeCheckpoint(checkpointAt(1))
    for (const name of ['step-9.ckpt.123.partial', 'best.ckpt']) {
      await writeFile(join(path, runFiles.checkpoints, name), 'strange')
    }
    for (const step of [2, 3, 4]) await folder.writeCheckpoint(checkpointAt(step))
    expect((await readdir(join(path, runFiles.checkpoints))).filter(name => !name.startsWith('step-0'))).toHaveLength(2)
    expect(await readdir(join(path, runFiles.checkpoints))).toContain('step-000000004.ckpt')
  })

  test('is not written on a full disk, and earlier checkpoints stay', async () => {
    await folder.writeCheckpoint(checkpointAt(1))
    const next = join(path, runFiles.checkpoints, `step-000000002.ckpt.${process.pid}.partial`)
    await symlink('/dev/full', next)
    await expect(folder.writeCheckpoint(checkpointAt(2))).rejects.toMatchObject({ code: 'disk-full' })
    expect(await readdir(join(path, runFiles.checkpoints))).toEqual(['step-000000001.ckpt'])
    await rm(join(path, runFiles.metrics))
    await symlink('/dev/full', join(path, runFiles.metrics))
    await expect(folder.appendEpoch(epochWith(1))).rejects.toMatchObject({ code: 'disk-full' })
  })

  test('fails with `file-not-written` if a file is in the way', async () => {
    await writeFile(join(path, runFiles.model), 'a file')
    await expect(folder.writeModel({ 'model.json': '{}' })).rejects.toMatchObject({ code: 'file-not-written' })
    await rmdir(join(path, runFiles.checkpoints))
    await writeFile(join(path, runFiles.checkpoints), 'a file')
    await expect(folder.writeCheckpoint(checkpointAt(1))).rejects.toMatchObject({ code: 'file-not-written' })
  })
})

describe('a run folder that is reopened', () => {
  test('has its metrics cut back to the epochs that the checkpoint knows', async () => {
    const folder = await createRunFolder(path, config)
    for (const epoch of [1, 2, 3]) await folder.appendEpoch(epochWith(epoch))
    await writeFile(join(path, runFiles.metrics), '{"half a li', { flag: 'a' })
    const reopened = await reopenRunFolder(
      path,
      { epochs: [epochWith(1), epochWith(2)], step: 8 },
      { seed: 1, epochs: 9 },
    )
    await reopened.appendEpoch(epochWith(3, { workers: 7 }))
    const lines = await linesOf(runFiles.metrics)
    expect(lines.pop()).toBe('')
    expect(lines.map(line => JSON.parse(line))).toEqual([epochWith(1), epochWith(2), epochWith(3, { workers: 7 })])
    expect(JSON.parse(await readFile(join(path, runFiles.config), 'utf8'))).toEqual({ seed: 1, epochs: 9 })
  })
})

describe('a run folder in which a later life has begun', () => {
  test('refuses every write of the earlier one, and stays as it is', async () => {
    const earlier = await createRunFolder(path, { runId: 'one' })
    await earlier.refuseSuperseded()
    await reopenRunFolder(path, { epochs: [], step: 0 }, { runId: 'one' })
    const before = await readdir(path, { recursive: true })
    const superseded = { code: 'superseded' }
    const plan = tinyPlan()
    const outcome = { status: 'completed', test: null, topology: 'star', audit: null, phases: null } as const
    const summary = summarizeRun(summaryFacts('run', plan), plan.state, [], { ...outcome, weightsSha256: 'ab' })
    await expect(earlier.refuseSuperseded()).rejects.toMatchObject(superseded)
    await expect(earlier.appendEpoch(epochWith(1))).rejects.toMatchObject(superseded)
    await expect(earlier.writeCheckpoint(checkpointAt(1))).rejects.toMatchObject(superseded)
    await expect(earlier.writeModel({ 'model.json': '{}' })).rejects.toMatchObject(superseded)
    await expect(earlier.writeSummary(summary)).rejects.toMatchObject(superseded)
    expect(await readdir(path, { recursive: true })).toEqual(before)
  })
})

describe('a run folder that has been removed', () => {
  test('is claimed before anything is written into it again', async () => {
    const found: (readonly string[])[] = []
    const claim = async () => void found.push(await readdir(path))
    const folder = await createRunFolder(path, config, systemDisk, { claim })
    await rm(path, { recursive: true })
    await folder.appendEpoch(epochWith(1))
    expect(found).toEqual([[]])
    expect((await readdir(path)).sort()).toEqual([runFiles.config, 'life.json', runFiles.metrics])
  })

  test('is created again once for simultaneous writes, and once more if it is removed again', async () => {
    let claims = 0
    const claim = async () => void claims++
    const folder = await createRunFolder(path, config, systemDisk, { claim })
    await rm(path, { recursive: true })
    await Promise.all([folder.appendEpoch(epochWith(1)), folder.writeModel({ 'model.json': '{}' })])
    expect(claims).toBe(1)
    await rm(path, { recursive: true })
    await folder.appendEpoch(epochWith(2))
    expect(claims).toBe(2)
  })

  test('stays empty if another process has claimed it', async () => {
    const inUse = new LockstepError('run-folder-in-use', 'another process is running it')
    const folder = await createRunFolder(path, config, systemDisk, { claim: () => Promise.reject(inUse) })
    await rm(path, { recursive: true })
    await expect(folder.writeModel({ 'model.json': '{}' })).rejects.toBe(inUse)
    expect(await readdir(path)).toEqual([])
  })
})
