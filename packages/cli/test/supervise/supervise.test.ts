import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunSummary } from '@lockstep/coordinator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  isAlive,
  localWorkersOf,
  type RunningCli,
  readSummary,
  runCli,
  startCli,
  waitUntilGone,
} from '../support/cli.ts'
import { limitFileSize } from '../support/tight-disk.ts'

// 1,000 of 1,250 samples train: 20 batches of 50 in each of the 9 epochs.
const size = ['--dataset', 'synthetic', '--limit-train', '1250', '--limit-test', '60', '--epochs', '9', '--shards', '2']
const endless = [...size, '--epochs', '5000']

type Processes = { readonly coordinator: number | null; readonly workers: readonly number[] }

/** The processes of a supervised run, by their command lines (from /proc). */
async function processesOf({ child }: RunningCli): Promise<Processes> {
  const ids = await localWorkersOf(child)
  const named = await Promise.all(ids.map(async id => ({ id, line: await commandLineOf(id) })))
  const coordinator = named.find(({ line }) => line.includes('supervised-coordinator'))?.id ?? null
  return { coordinator, workers: named.filter(({ line }) => line.includes('local-worker')).map(({ id }) => id) }
}

/** Empty for a process that has just ended. */
async function commandLineOf(id: number): Promise<string> {
  return readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')
}

/** Resolves with the id of a coordinator process that is not in `seen`, as soon as there is one. */
async function nextCoordinator(cli: RunningCli, seen: ReadonlySet<number>): Promise<number> {
  for (;;) {
    const { coordinator } = await processesOf(cli)
    if (coordinator !== null && !seen.has(coordinator)) return coordinator
    await delay(5)
  }
}

describe('a supervised run', () => {
  let folder = ''
  let undisturbed: RunSummary

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-supervised-'))
    const place = join(folder, 'undisturbed')
    const ended = await runCli(['train', ...size, '--workers', '2', '--offline', '--run-dir', place])
    expect(ended.code, ended.stderr).toBe(0)
    undisturbed = await readSummary(place)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  function start(name: string, ...flags: readonly string[]): RunningCli {
    return startCli(['train', '--supervise', '--offline', '--run-dir', join(folder, name), ...flags])
  }

  test('continues with the same workers to the same weights after its coordinator is killed', async () => {
    const cli = start('killed', ...size, '--workers', '2', '--checkpoint-every', '7', '--json', '--log-steps')
    await cli.printed(/"type":"epoch","epoch":1/)
    const before = await processesOf(cli)
    expect(before.workers).toHaveLength(2)
    process.kill(before.coordinator!, 'SIGKILL')
    await cli.printed(/the coordinator ended with SIGKILL: restarting it\n/)
    await cli.printed(/the coordinator resumes at step \d+[\s\S]*2 active/)
    const after = await processesOf(cli)
    expect(after.coordinator).not.toBe(before.coordinator)
    expect(after.workers).toEqual(before.workers)

    const ended = await cli.ending
    expect(ended.code, ended.stderr).toBe(0)
    const summary = await readSummary(join(folder, 'killed'))
    expect(summary.weightsSha256).toBe(undisturbed.weightsSha256)
    expect(summary.test).toEqual(undisturbed.test)
    const lines = ended.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines.at(-1)).toEqual(summary)
    expect(lines.filter(({ type }) => type === 'epoch').map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(lines.filter(({ type }) => type === 'step').map(({ step }) => step)).toEqual(
      Array.from({ length: 180 }, (_, index) => index + 1),
    )
    const metrics = (await readFile(join(folder, 'killed', 'metrics.jsonl'), 'utf8')).trim().split('\n')
    const epochs = metrics.map(line => JSON.parse(line)).filter(({ type }) => type === 'epoch')
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(JSON.parse(await readFile(join(folder, 'killed', 'life.json'), 'utf8'))).toEqual({ life: 2 })
    expect(ended.stderr.match(/^completed /gm)).toHaveLength(1)
  })

  test('starts even if its first coordinator is killed at once', async () => {
    const cli = start('early', ...size, '--workers', '2')
    process.kill(await nextCoordinator(cli, new Set()), 'SIGKILL')
    const ended = await cli.ending
    expect(ended.code, ended.stderr).toBe(0)
    expect((await readSummary(join(folder, 'early'))).weightsSha256).toBe(undisturbed.weightsSha256)
  })

  test('resumes from step 0 as the same run at the same port if there is no later checkpoint', async () => {
    // The first checkpoint after the start would come at the end of an epoch of 240 steps.
    const cli = start('start', '--dataset', 'synthetic', '--workers', '2', '--shards', '2')
    await cli.printed(/1 active/)
    const runId = await runIdIn('start')
    process.kill((await processesOf(cli)).coordinator!, 'SIGKILL')
    await cli.printed(/the coordinator resumes at step 0\n[\s\S]*2 active/)
    cli.child.kill('SIGINT')
    const ended = await cli.ending
    expect(ended.code, ended.stderr).toBe(130)
    const ports = [...ended.stdout.matchAll(/listening on ws:\/\/127\.0\.0\.1:(\d+)/g)].map(match => match[1])
    expect(ports).toEqual([ports[0], ports[0]])
    expect(await runIdIn('start')).toBe(runId)
  })

  async function runIdIn(name: string): Promise<string> {
    return JSON.parse(await readFile(join(folder, name, 'config.json'), 'utf8')).runId
  }

  test('continues when files can be written again after its second coordinator could write none', async () => {
    const place = join(folder, 'unwritable')
    const line = ['train', '--supervise', '--offline', '--run-dir', place, ...size, '--workers', '2']
    // Shared memory consists of files too.
    const cli = startCli(line, { LOCKSTEP_SHARED_MEMORY: 'off' })
    await cli.printed(/1 active/)
    // This does not apply to the first coordinator, which is already running.
    await limitFileSize(cli.child.pid!, '0')
    await cli.printed(/epoch 1\/9/)
    process.kill((await processesOf(cli)).coordinator!, 'SIGKILL')
    await cli.printed(/the coordinator ended with .*could not be written.*EFBIG.*: restarting it in/)
    await limitFileSize(cli.child.pid!, 'unlimited')
    const ended = await cli.ending
    expect(ended.code, ended.stderr).toBe(0)
    expect((await readSummary(place)).weightsSha256).toBe(undisturbed.weightsSha256)
  })

  test('fails if its coordinator crashes repeatedly without a new checkpoint', async () => {
    // The first checkpoint after the start would come at the end of an epoch of 240 steps.
    const cli = start('hopeless', '--dataset', 'synthetic', '--workers', '1', '--shards', '1')
    const seen = new Set<number>()
    for (let crash = 1; crash <= 6; crash++) {
      const coordinator = await nextCoordinator(cli, seen)
      seen.add(coordinator)
      process.kill(coordinator, 'SIGKILL')
    }
    const ended = await cli.ending
    const message = /^lockstep: the coordinator has crashed 6 times without a new checkpoint: received SIGKILL\n/m
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(message) })
  })

  test('fails if its coordinator cannot write its final files, even if it saves its last step each time', async () => {
    const place = join(folder, 'unfinished')
    await mkdir(place)
    await writeFile(join(place, 'model'), 'a file where a folder belongs')
    const short = ['--dataset', 'synthetic', '--limit-train', '250', '--limit-test', '60', '--epochs', '1']
    const ended = await start('unfinished', ...short, '--workers', '1', '--shards', '1').ending
    const message = /^lockstep: the coordinator has crashed 6 times without a new checkpoint: received .*model/m
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(message) })
    expect(ended.stderr).toMatch(/^ {2}Continue with `pnpm cli train --resume \S+unfinished .*--supervise/m)
    expect(ended.stdout.match(/the coordinator resumes at step 4$/gm)).toHaveLength(5)
    expect(ended.stdout.match(/^worker 1 joined/gm)).toHaveLength(6)
  })

  test('leaves no process behind when its supervisor is killed, and can be resumed', async () => {
    const cli = start('orphaned', ...endless, '--workers', '2')
    await cli.printed(/2 active[\s\S]*epoch +1\//)
    const { coordinator, workers } = await processesOf(cli)
    cli.child.kill('SIGKILL')
    await cli.ending
    await waitUntilGone([coordinator!, ...workers])
    expect(await readdir(join(folder, 'orphaned'))).toContain('summary.json')
    const resumed = startCli(['train', '--resume', join(folder, 'orphaned'), '--workers', '2', '--offline'])
    await resumed.printed(/2 active/)
    resumed.child.kill('SIGINT')
    expect((await resumed.ending).code).toBe(130)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'is interrupted by a %s to all processes, with one summary and no restart',
    async signal => {
      const cli = start(`interrupted by ${signal}`, ...endless, '--workers', '2')
      await cli.printed(/epoch +1\//)
      const { coordinator, workers } = await processesOf(cli)
      // Like a terminal or a service manager, which signals every process.
      for (const id of [coordinator!, ...workers, cli.child.pid!]) process.kill(id, signal)
      const ended = await cli.ending
      expect(ended.code, ended.stderr).toBe(130)
      expect(ended.stdout.match(/^interrupted /gm)).toHaveLength(1)
      expect(ended.stdout).not.toMatch(/ lost: |restarting it/)
      expect([coordinator!, ...workers].some(isAlive)).toBe(false)
    },
  )

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'is interrupted by a %s to all processes while its coordinator starts',
    async signal => {
      const cli = start(`unstarted for ${signal}`, ...endless, '--workers', '1')
      const coordinator = await nextCoordinator(cli, new Set())
      for (const id of [coordinator, cli.child.pid!]) process.kill(id, signal)
      const ended = await cli.ending
      expect(ended.code, ended.stderr).toBe(130)
    },
  )

  test('fails without a restart if it diverges', async () => {
    const ended = await start('diverged', ...size, '--workers', '1', '--learning-rate', '1e30').ending
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/^lockstep: .*diverged/m) })
    expect(ended.stdout).not.toContain('restarting it')
  })

  test('is rejected on wrong usage, as without a supervisor', async () => {
    const ended = await start('refused', ...size, '--shards', '51').ending
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/^lockstep: --shards: more shards/) })
  })

  test('fails if all its workers stay out', async () => {
    const cli = start('deserted', ...endless, '--workers', '1', '--shards', '1')
    await cli.printed(/1 active/)
    const seen = new Set<number>()
    while (seen.size < 5) {
      const [worker] = (await processesOf(cli)).workers.filter(id => !seen.has(id))
      if (worker !== undefined) process.kill(worker, 'SIGKILL')
      if (worker !== undefined) seen.add(worker)
      await delay(10)
    }
    expect(await cli.ending).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('all worker processes have ended'),
    })
  })

  test('keeps remote workers, which reconnect', async () => {
    const tokenFile = join(folder, 'token')
    await writeFile(tokenFile, 'a token of more than sixteen characters\n')
    const place = join(folder, 'remote')
    const flags = [...size, '--threads', '1', '--token-file', tokenFile, '--listen', '127.0.0.1:0', '--offline']
    const cli = startCli(['coordinator', '--supervise', ...flags, '--run-dir', place])
    const [, url] = await cli.printed(/listening on (ws:\/\/127\.0\.0\.1:\d+)/)
    const worker = startCli(['worker', '--connect', url!, '--token-file', tokenFile, '--offline'])
    await cli.printed(/epoch 1\/9/)
    process.kill((await processesOf(cli)).coordinator!, 'SIGKILL')
    expect((await cli.ending).code).toBe(0)
    expect((await readSummary(place)).weightsSha256).toBe(undisturbed.weightsSha256)
    const ended = await worker.ending
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stdout.match(/^lost the coordinator: /gm)).toHaveLength(1)
    expect(ended.stdout.match(/loading TensorFlow$/gm)).toHaveLength(2)
  })
})
