import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { RunSummary } from '@lockstep/coordinator'
import { encodeFrame, openWebSocket } from '@lockstep/protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import { countStayed, readSummary, runCli, startCli, strikeAt } from '../support/cli.ts'
import { useSmallRuns } from '../support/small-runs.ts'

describe('the same data, configuration, seed and shards give the same weights', () => {
  const { folder, line, trained } = useSmallRuns()
  const run = [...line, '--epochs', '2']
  // 4 shards of the last batch are 12 samples each; 7 shards of 50 are uneven (8, 7, 7, 7, 7, 7, 7).
  const sharded = [...run, '--shards', '4']
  let undisturbed: RunSummary

  beforeAll(async () => {
    undisturbed = await trained('one', [...sharded, '--workers', '1'])
  })

  test.each([2, 3, 4])('with %i workers', async workers => {
    const summary = await trained(`workers-${workers}`, [...sharded, '--workers', String(workers)])
    expect(summary.weightsSha256).toBe(undisturbed.weightsSha256)
    expect(summary.test).toEqual(undisturbed.test)
    // Every sample of both epochs counts once.
    expect(summary.perWorker.reduce((sum, worker) => sum + worker.samples, 0)).toBe(2 * 248)
  })

  test.each([
    // Files: the board and a desk per worker. Sockets: the one that lanes connect to and a lane per worker.
    ['on', 3],
    ['off', 0],
  ])('with shared memory and lanes %s, which use %i files and as many sockets', async (mode, count) => {
    const two = [...sharded, '--workers', '2']
    const environment = { LOCKSTEP_SHARED_MEMORY: mode }
    const endless = [...two, '--epochs', '5000', '--run-dir', join(folder, `endless-${mode}`)]
    const cli = startCli(endless, environment)
    await cli.printed(/2 active/)
    expect(await sharedFilesOf(cli.child.pid!)).toHaveLength(count)
    expect(await laneSocketsOf(cli.child.pid!)).toHaveLength(count)
    cli.child.kill('SIGINT')
    expect((await cli.ending).code).toBe(130)
    expect((await trained(`memory-${mode}`, two, environment)).weightsSha256).toBe(undisturbed.weightsSha256)
  })

  test('with the arithmetic in plain JavaScript', async () => {
    const environment = { LOCKSTEP_ARITHMETIC: 'plain' }
    const summary = await trained('plain', [...sharded, '--workers', '2'], environment)
    expect(summary.weightsSha256).toBe(undisturbed.weightsSha256)
  })

  test('but not with another seed or another number of shards', async () => {
    const seeded = await trained('seeded', [...sharded, '--workers', '1', '--seed', '2'])
    const recut = await trained('recut', [...run, '--workers', '1', '--shards', '7'])
    expect(new Set([undisturbed, seeded, recut].map(summary => summary.weightsSha256)).size).toBe(3)
  })

  test('if one of four workers is killed', async () => {
    const strike = strikeAt(/epoch 1\/2/, 'SIGKILL', 'a worker')
    const summary = await trained('killed', [...sharded, '--workers', '4'], strike)
    expect(summary.weightsSha256).toBe(undisturbed.weightsSha256)
    expect(countStayed(summary, 4)).toBe(3)
  })

  test('if the port receives garbage and a worker joins late', async () => {
    const tokenFile = join(folder, 'token')
    await writeFile(tokenFile, 'a token of more than sixteen characters\n')
    // The run waits for the late worker; otherwise it would end before another process has started.
    const waits = ['--workers', '1', '--min-workers', '2', '--token-file', tokenFile]
    const cli = startCli([...sharded, ...waits, '--run-dir', join(folder, 'late')])
    const [, url, port] = await cli.printed(/listening on (ws:\/\/127\.0\.0\.1:(\d+))/)
    const stranger = await runCli(['worker', '--connect', url!, '--wait', '0'])
    await sendGarbage(Number(port))
    await sendWrongLength(url!)
    const late = startCli(['worker', '--connect', url!, '--token-file', tokenFile, '--name', 'late', '--offline'])
    expect(stranger).toMatchObject({ code: 1, stderr: expect.stringMatching(/refused this worker: wrong token/) })
    expect((await cli.ending).code).toBe(0)
    expect((await late.ending).code).toBe(0)
    const summary = await readSummary(join(folder, 'late'))
    expect(summary.weightsSha256).toBe(undisturbed.weightsSha256)
  })

  test('if the run is interrupted and resumed with more workers', async () => {
    const place = join(folder, 'interrupted')
    const strike = strikeAt(/epoch 1\/2/, 'SIGINT', 'itself')
    const ended = await runCli([...sharded, '--workers', '1', '--run-dir', place], strike)
    expect(ended.code).toBe(130)
    expect(ended.stdout).toContain(`train --resume ${place}`)
    expect(await readSummary(place)).toMatchObject({ status: 'interrupted', test: null })

    const resumed = await runCli(['train', '--resume', place, '--data-dir', folder, '--workers', '3', '--offline'])
    expect(resumed.code, resumed.stderr).toBe(0)
    const summary = await readSummary(place)
    expect(summary.weightsSha256).toBe(undisturbed.weightsSha256)
    expect(summary.final).toEqual(undisturbed.final)
    const lines = (await readFile(join(place, 'metrics.jsonl'), 'utf8')).trim().split('\n')
    expect(lines.map(line => JSON.parse(line).epoch)).toEqual([1, 2])
  })
})

/** The files of shared memory that a process has open. */
async function sharedFilesOf(id: number): Promise<readonly string[]> {
  return (await openedBy(id)).filter(target => target.startsWith('/dev/shm/lockstep-'))
}

/** The sockets of a process whose names are those of lanes. */
async function laneSocketsOf(id: number): Promise<readonly string[]> {
  const opened = new Set(await openedBy(id))
  const lines = (await readFile('/proc/net/unix', 'utf8')).split('\n').filter(line => line.includes(' @lockstep-'))
  // Num RefCount Protocol Flags Type St Inode Path
  return lines.map(line => `socket:[${line.trim().split(/ +/)[6]}]`).filter(socket => opened.has(socket))
}

async function openedBy(id: number): Promise<readonly string[]> {
  const names = await readdir(`/proc/${id}/fd`)
  return Promise.all(names.map(name => readlink(`/proc/${id}/fd/${name}`).catch(() => 'closed')))
}

/** Sends a frame that ends before its tensor does. */
async function sendWrongLength(url: string): Promise<void> {
  const frame = encodeFrame({ type: 'gradient' }, { gradient: new Float32Array(64) }).subarray(0, -8)
  const socket = openWebSocket(url, 5_000)
  socket.on('open', () => socket.send(frame))
  await new Promise<void>(resolve => socket.on('close', () => resolve()))
}

async function sendGarbage(port: number): Promise<void> {
  const closed = new Promise<void>(resolve => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(Buffer.from('\x16\x03\x01\x00garbage\r\n\r\n', 'latin1')),
    )
    socket.on('close', () => resolve()).on('error', () => resolve())
  })
  await closed
}
