import type { ChildProcess } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunSummary } from '@lockstep/coordinator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { localWorkersOf, readSummary, runCli, startCli, waitUntilGone } from '../support/cli.ts'
import { limitFiles, tightDisk } from '../support/tight-disk.ts'

// 310 samples in batches of 50 are 7 steps per epoch, the last one of 10: 168 steps in all.
const size = ['--limit-train', '310', '--limit-test', '60', '--validation-split', '0', '--epochs', '24']
const line = ['train', '--dataset', 'synthetic', ...size, '--shards', '4', '--offline', '--log-steps']
const often = ['--checkpoint-every', '1']

let folder = ''
let undisturbed: RunSummary

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-disk-'))
  const ended = await runCli([...line, '--workers', '2', '--run-dir', join(folder, 'undisturbed')])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  undisturbed = await readSummary(join(folder, 'undisturbed'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function readLines(file: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  expect(lines.pop()).toBe('')
  return lines.map(text => JSON.parse(text))
}

/** Type and step of each line of a run's metrics. */
async function linesOf(place: string): Promise<readonly string[]> {
  const lines = await readLines(join(place, 'metrics.jsonl'))
  return lines.map(({ type, step }) => `${type} ${step}`)
}

/** Kills the coordinator and its workers. */
async function killAll(child: ChildProcess): Promise<void> {
  const workers = await localWorkersOf(child)
  for (const id of [child.pid!, ...workers]) process.kill(id, 'SIGKILL')
  await waitUntilGone(workers)
}

describe('a run ends with the weights of the undisturbed one', () => {
  test('if its disk is full for a while, of which it warns', async () => {
    const place = join(folder, 'tight')
    await mkdir(place)
    const { wrap, environment, systemSays, narrow, widen } = tightDisk(place)
    const runDir = join(place, 'run')
    const cli = startCli([...line, ...often, '--workers', '1', '--run-dir', runDir, '--json'], environment, wrap)
    await cli.printed(/1 active/)
    await narrow(cli.child.pid!)
    const [warning] = await cli.printed(/WARNING: no checkpoint: .*training continues.*/)
    expect(warning).toMatch(systemSays)
    await widen(cli.child.pid!)
    await cli.printed(/checkpoints are written again/)
    const ended = await cli.ending
    expect(ended.code, ended.stderr).toBe(0)
    const told = ended.stdout
      .trim()
      .split('\n')
      .map(text => JSON.parse(text))
    expect(told.at(-1).weightsSha256).toBe(undisturbed.weightsSha256)
    expect(told.filter(({ type, what }) => type === 'not-written' && what === 'checkpoint').length).toBeLessThan(3)
  })

  test('if it cannot open files, its folder is removed, it is killed, and the newest checkpoint is truncated', async () => {
    const place = join(folder, 'beset')
    const cli = startCli([...line, ...often, '--workers', '2', '--run-dir', place])
    await cli.printed(/2 active/)
    await limitFiles(cli.child.pid!, true)
    await cli.printed(/WARNING: no checkpoint: .*EMFILE/)
    await limitFiles(cli.child.pid!, false)
    await cli.printed(/checkpoints are written again/)
    await rename(place, `${place}.gone`)
    await cli.printed(/was removed: it is created again/)
    await cli.printed(/epoch +[4-9]\/24/)
    await killAll(cli.child)

    const checkpoints = (await readdir(join(place, 'checkpoints'))).filter(name => name.endsWith('.ckpt'))
    await truncate(join(place, 'checkpoints', checkpoints.at(-1)!), 100_000)
    await appendFile(join(place, 'log.jsonl'), '{"level":30,"ti')
    const goOn = ['train', '--resume', place, '--workers', '3', '--offline', '--log-steps']
    const resumed = startCli([...goOn, ...often])
    await resumed.printed(/listening on/)
    const second = await runCli(goOn)
    expect(second).toMatchObject({ code: 1, stderr: expect.stringMatching(/^lockstep: .* is in use: another process/) })
    const ended = await resumed.ending
    expect(ended.code, ended.stderr).toBe(0)
    const [torn, before] = [checkpoints.at(-1)!, checkpoints.at(-2)!]
    expect(ended.stdout).toContain(`${torn} cannot be used (the checkpoint was not written to its end`)
    expect(ended.stdout).toContain(`taking ${before} instead`)
    expect((await readSummary(place)).weightsSha256).toBe(undisturbed.weightsSha256)
    expect(await readdir(place)).not.toContain('lock-1.json')
    await readLines(join(place, 'log.jsonl'))
    // The lines of steps were lost with the folder; the lines of epochs are part of the state of the run.
    const lines = await linesOf(place)
    const whole = await linesOf(join(folder, 'undisturbed'))
    expect(lines.at(-1)).toBe(whole.at(-1))
    expect(lines.filter(text => text.startsWith('epoch'))).toEqual(whole.filter(text => text.startsWith('epoch')))
    expect(new Set(lines).size).toBe(lines.length)
  })
})
