import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isAlive, localWorkersOf, type RunningCli, readSummary, startCli } from '../support/cli.ts'
import { nextWorker, type Seen } from '../support/next-worker.ts'
import { suspend } from '../support/suspend.ts'

const endless = ['train', '--dataset', 'synthetic', '--limit-train', '400', '--limit-test', '40', '--epochs', '5000']

describe('local workers', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-deaths-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  function startEndless(name: string, ...flags: readonly string[]): RunningCli {
    return startCli([...endless, '--offline', '--run-dir', join(folder, name), ...flags])
  }

  async function interrupt(cli: RunningCli) {
    cli.child.kill('SIGINT')
    const ended = await cli.ending
    expect(ended.code, ended.stderr).toBe(130)
    return ended
  }

  test('that are killed are restarted under their names', async () => {
    const cli = startEndless('back', '--workers', '2')
    await cli.printed(/2 active/)
    const [first] = await localWorkersOf(cli.child)
    process.kill(first!, 'SIGKILL')
    await cli.printed(/^local-[12] ended with SIGKILL: restarting it$/m)
    await cli.printed(/^worker 3 joined: local-[12] .* 2 active$/m)
    await interrupt(cli)
    const { perWorker } = await readSummary(join(folder, 'back'))
    expect(perWorker.map(({ outcome }) => outcome === 'stayed to the end').sort()).toEqual([false, true, true])
  })

  test('stay out after five deaths in a minute, and the run continues with the others', async () => {
    const cli = startEndless('out', '--workers', '2')
    await cli.printed(/2 active/)
    const [first, second] = await localWorkersOf(cli.child)
    const seen: Seen = new Set([first!, second!])
    process.kill(first!, 'SIGKILL')
    for (let death = 2; death <= 5; death++) process.kill(await nextWorker(cli, seen), 'SIGKILL')
    await cli.printed(
      /^local-[12] ended with SIGKILL, for the 5th time within 60 s: it is not restarted again; 1 left$/m,
    )
    expect(isAlive(second!)).toBe(true)
    await interrupt(cli)
    const { perWorker } = await readSummary(join(folder, 'out'))
    expect(perWorker.filter(({ outcome }) => outcome === 'stayed to the end')).toHaveLength(1)
  })

  test('that all stay out end the run with a checkpoint and the last cause of death', async () => {
    const cli = startEndless('deserted', '--workers', '1')
    await cli.printed(/1 active/)
    const seen: Seen = new Set()
    for (let death = 1; death <= 5; death++) process.kill(await nextWorker(cli, seen), 'SIGKILL')
    const ended = await cli.ending
    const message = /^lockstep: all worker processes have ended: received local-1 ended with SIGKILL\n {2}Continue/m
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(message) })
    expect((await readdir(join(folder, 'deserted', 'checkpoints'))).length).toBeGreaterThan(0)
  })

  test('that are suspended and resumed reconnect without a restart of their process', async () => {
    const cli = startEndless('suspended', '--workers', '2')
    await cli.printed(/2 active/)
    const [first] = await localWorkersOf(cli.child)
    suspend(first!)
    await cli.printed(/^worker [12] lost: .* silent for 1\.\d s; 1 active$/m)
    process.kill(first!, 'SIGCONT')
    await cli.printed(/^worker 3 joined: local-[12] .* 2 active$/m)
    expect(isAlive(first!)).toBe(true)
    const ended = await interrupt(cli)
    expect(ended.stdout).not.toContain('restarting it')
  })

  test('stay to the end of an interrupted run if every process receives SIGTERM', async () => {
    const cli = startEndless('told', '--workers', '2')
    await cli.printed(/^epoch +1\//m)
    const workers = await localWorkersOf(cli.child)
    // Like a service manager, which signals every process.
    for (const id of [...workers, cli.child.pid!]) process.kill(id, 'SIGTERM')
    const ended = await cli.ending
    expect(ended.code, ended.stderr).toBe(130)
    expect(ended.stdout).not.toMatch(/ lost: |restarting it|waiting for workers: \d of at least/)
    const { status, perWorker } = await readSummary(join(folder, 'told'))
    expect([status, ...perWorker.map(({ outcome }) => outcome)]).toEqual([
      'interrupted',
      'stayed to the end',
      'stayed to the end',
    ])
    expect(workers.some(isAlive)).toBe(false)
  })

  test('are waited for if fewer than --min-workers are left', async () => {
    const cli = startEndless('quorum', '--workers', '2', '--min-workers', '2', '--shards', '2')
    await cli.printed(/2 active/)
    const [first] = await localWorkersOf(cli.child)
    process.kill(first!, 'SIGKILL')
    await cli.printed(/^waiting for workers: 1 of at least 2 connected$/m)
    await cli.printed(/^worker 3 joined: local-[12] .* 2 active$/m)
    await interrupt(cli)
  })
})
