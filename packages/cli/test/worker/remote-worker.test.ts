import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adviseWorkers } from '../../src/worker/remote-worker.ts'
import { isAlive, localWorkersOf, startCli, waitUntilGone } from '../support/cli.ts'
import { nextWorker, type Seen } from '../support/next-worker.ts'

const otherModel = fileURLToPath(new URL('../../../../examples/models/wide-net.ts', import.meta.url))
const uncompilable = fileURLToPath(new URL('../support/uncompilable-model.mjs', import.meta.url))
const size = ['--dataset', 'synthetic', '--limit-train', '400', '--limit-test', '40']
const endless = [...size, '--epochs', '5000']

describe('a worker', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-remote-'))
    await writeFile(join(folder, 'token'), 'a token of more than sixteen characters\n')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('whose coordinator dies joins the next run at that address, even with another model', async () => {
    const shared = ['--token-file', join(folder, 'token'), '--offline']
    const first = startCli([
      'coordinator',
      ...endless,
      ...shared,
      '--listen',
      '127.0.0.1:0',
      '--run-dir',
      join(folder, '1'),
    ])
    const [, url, address] = await first.printed(/listening on (ws:\/\/(127\.0\.0\.1:\d+))/)
    const worker = startCli(['worker', '--connect', url!, ...shared])
    await first.printed(/^epoch +1\/5000 /m)
    first.child.kill('SIGKILL')
    await first.ending

    const next = ['--model', otherModel, '--epochs', '1', '--listen', address!, '--run-dir', join(folder, '2')]
    const second = startCli(['coordinator', ...size, ...shared, ...next])
    for (const { ending } of [second, worker]) {
      const ended = await ending
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
    }
  })

  test('that cannot compile the model fails, and its coordinator fails with a hint and without waiting', async () => {
    const shared = ['--token-file', join(folder, 'token'), '--offline']
    // Longer than the timeout of any test.
    const flags = ['--listen', '127.0.0.1:0', '--min-workers', '2', '--wait', '3600']
    const place = ['--run-dir', join(folder, 'words')]
    const cli = startCli([
      'coordinator',
      ...size,
      ...shared,
      ...flags,
      ...place,
      '--shards',
      '2',
      '--model',
      uncompilable,
    ])
    const [, url] = await cli.printed(/listening on (ws:\/\/127\.0\.0\.1:\d+)/)
    const workers = ['one', 'another'].map(name => startCli(['worker', '--connect', url!, '--name', name, ...shared]))
    expect(await cli.ending).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^lockstep: no worker can compute this model: .*layer words .*Use --engine eager/m),
    })
    const failures = (await Promise.all(workers.map(({ ending }) => ending))).map(({ code }) => code)
    expect(failures).toEqual([1, 1])
  })

  test('that is interrupted leaves, and a coordinator without workers fails after its --wait with a checkpoint', async () => {
    const [token, place] = [join(folder, 'token'), join(folder, 'run')]
    const shared = ['--token-file', token, '--offline']
    // Not 1 s: a worker that a busy machine stalls for longer than that would be lost before it is interrupted.
    const flags = ['--listen', '127.0.0.1:0', '--wait', '3', '--run-dir', place, '--json', '--log-steps']
    const cli = startCli(['coordinator', ...endless, ...shared, ...flags])
    const [, url] = await cli.printed(/listening on (ws:\/\/127\.0\.0\.1:\d+)/)
    const worker = startCli(['worker', '--connect', url!, '--name', 'guest', ...shared])
    await cli.printed(/^epoch +1\/5000 /m)
    worker.child.kill('SIGINT')
    expect(await worker.ending).toMatchObject({ code: 130, stdout: expect.stringMatching(/^leaving; /m) })

    const { code, stdout, stderr } = await cli.ending
    expect(code).toBe(1)
    expect(stderr).toMatch(/^worker \d+ lost: guest on \S+, the worker leaves; 0 active$/m)
    expect(stderr).toMatch(/^lockstep: no worker has been connected for 3 s$/m)
    const told = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    const { step } = told.findLast(({ type }) => type === 'step')
    // Only the end of the run writes a checkpoint within an epoch.
    expect((await readdir(join(place, 'checkpoints'))).sort().at(-1)).toBe(`step-${String(step).padStart(9, '0')}.ckpt`)
  })

  test('with --workers 2 ends with the deaths of its processes if all are killed again and again', async () => {
    // Nobody listens at that port, so that the processes keep trying to connect.
    const shared = ['--token-file', join(folder, 'token'), '--offline', '--wait', '60']
    const host = startCli(['worker', '--connect', 'ws://127.0.0.1:1', '--name', 'guest', '--workers', '2', ...shared])
    await host.printed(/giving up in/)
    const seen: Seen = new Set()
    for (let death = 1; death <= 10; death++) process.kill(await nextWorker(host, seen), 'SIGKILL')
    expect(await host.ending).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^lockstep: all worker processes have ended: received guest-[12] ended with SIGKILL, guest-[12] ended with SIGKILL$/m,
      ),
    })
  })

  test('with --workers 2 runs two processes, which are restarted if they die and leave together', async () => {
    const shared = ['--token-file', join(folder, 'token'), '--offline']
    const flags = ['--listen', '127.0.0.1:0', '--min-workers', '2', '--run-dir', join(folder, 'several')]
    const cli = startCli(['coordinator', ...endless, ...shared, ...flags])
    const [, url] = await cli.printed(/listening on (ws:\/\/127\.0\.0\.1:\d+)/)
    const host = startCli(['worker', '--connect', url!, '--name', 'guest', '--workers', '2', ...shared])
    await cli.printed(/^epoch +1\/5000 /m)
    await cli.printed(/^worker \d joined: guest-1 /m)
    await cli.printed(/^worker \d joined: guest-2 /m)
    const [first] = await localWorkersOf(host.child)
    process.kill(first!, 'SIGKILL')
    await host.printed(/^guest-[12] ended with SIGKILL: restarting it$/m)
    await cli.printed(/^worker 3 joined: guest-[12] .* 2 active$/m)

    const processes = await localWorkersOf(host.child)
    expect(processes).toHaveLength(2)
    // Like a service manager, which signals every process.
    for (const id of [...processes, host.child.pid!]) process.kill(id, 'SIGTERM')
    const ended = await host.ending
    expect(ended, ended.stderr).toMatchObject({ code: 130, stderr: '' })
    expect(ended.stdout.match(/restarting it|leaving; /g)).toEqual(['restarting it', 'leaving; '])
    expect(processes.some(isAlive)).toBe(false)
    await cli.printed(/^worker 3 lost: guest-[12] on \S+, the worker leaves; \d active$/m)
    cli.child.kill('SIGINT')
    expect((await cli.ending).code).toBe(130)
  })

  test('with --workers 2 leaves no process behind when it is killed', async () => {
    const host = startCli(['worker', '--connect', 'ws://127.0.0.1:1', '--workers', '2', '--offline'])
    await host.printed(/no answer from/)
    const processes = await localWorkersOf(host.child)
    expect(processes).toHaveLength(2)
    host.child.kill('SIGKILL')
    await host.ending
    await waitUntilGone(processes)
  })

  test('with --workers 2 reports the common failure of both once', async () => {
    const line = [
      'worker',
      '--connect',
      'ws://127.0.0.1:1',
      '--wait',
      '0',
      '--name',
      'guest',
      '--workers',
      '2',
      '--offline',
    ]
    const { code, stderr } = await startCli(line).ending
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^lockstep: no coordinator at ws:\/\/127\.0\.0\.1:1 for 0 s: .*\n( {2}.*\n)?$/),
    })
  })
})

test('a worker that leaves cores idle suggests a number of workers', () => {
  expect(adviseWorkers(1, 16)).toBe('computes on 1 of 16 cores: --workers 16 uses all')
  expect(adviseWorkers(6, 16)).toBe('computes on 6 of 16 cores: --workers 2 uses more')
  expect([adviseWorkers(1, 1), adviseWorkers(2, 2), adviseWorkers(3, 4)]).toEqual([null, null, null])
})
