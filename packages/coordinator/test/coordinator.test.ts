import { once } from 'node:events'
import { readdir, readFile, symlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { weightsSha256 } from '@lockstep/model'
import { encodeMessage, LockstepError, openWebSocket } from '@lockstep/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { type CoordinatorOptions, startCoordinator } from '../src/coordinator.ts'
import type { CoordinatorEvent } from '../src/events.ts'
import { runSummarySchema } from '../src/metrics.ts'
import { createRunFolder, readNewestCheckpoint, reopenRunFolder } from '../src/run-folder.ts'
import { decodeState } from '../src/run-state.ts'
import { temporaryFolder } from './support/folder.ts'
import { openClient } from './support/listener.ts'
import { heartbeat, hello, token } from './support/lobby.ts'
import { startSocketWorker } from './support/socket-worker.ts'
import { tinyPlan } from './support/tiny-plan.ts'
import { trainAlone } from './support/train-alone.ts'

const finalSha256 = weightsSha256(trainAlone().at(-1)!)
let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'run')
})

async function start(options: Partial<CoordinatorOptions> = {}) {
  const events: CoordinatorEvent[] = []
  const coordinator = await startCoordinator({
    plan: tinyPlan(),
    openFolder: () => createRunFolder(path, {}),
    listen: { host: '127.0.0.1', port: 0, tls: null },
    token,
    minWorkers: 1,
    waitMs: 60_000,
    checkpointEvery: 0,
    stop: new AbortController().signal,
    ...options,
    onEvent: event => {
      events.push(event)
      options.onEvent?.(event)
    },
  })
  return { ...coordinator, events }
}

const epochsOnDisk = async () => {
  const lines = (await readFile(join(path, 'metrics.jsonl'), 'utf8')).trim().split('\n')
  return lines.map(line => JSON.parse(line).epoch)
}

describe('a run', () => {
  test('trains, tests, writes its folder and sends its workers home', async () => {
    const { url, finished, events } = await start({ minWorkers: 2 })
    const workers = [startSocketWorker(url), startSocketWorker(url)]
    const summary = await finished
    expect(summary).toMatchObject({ run: 'run', status: 'completed', weightsSha256: finalSha256, epochs: 2, steps: 8 })
    expect(summary.test).toEqual({ loss: expect.any(Number), accuracy: expect.any(Number) })
    // Each of the 33 samples in each of the 2 epochs, by one worker or the other.
    expect(summary.perWorker.reduce((sum, { samples }) => sum + samples, 0)).toBe(66)
    expect((await readdir(path)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'metrics.jsonl',
      'model',
      'summary.json',
    ])
    expect(await readdir(join(path, 'checkpoints'))).toEqual(['step-000000004.ckpt', 'step-000000008.ckpt'])
    expect(await epochsOnDisk()).toEqual([1, 2])
    expect(runSummarySchema.parse(JSON.parse(await readFile(join(path, 'summary.json'), 'utf8')))).toEqual(summary)
    for (const { ended } of workers) expect(await ended).toMatchObject({ code: 'finished' })
    const phases = events.flatMap(event => (event.type === 'phase' ? [event.phase] : []))
    const epoch = ['training', 'validating']
    expect(phases).toEqual(['waiting for workers', ...epoch, ...epoch, 'testing'])
  })

  test('survives the loss of a worker within a step, and one that comes late', async () => {
    const { url, finished } = await start({
      minWorkers: 2,
      onEvent: event => {
        if (event.type !== 'worker-lost') return
        startSocketWorker(url)
      },
    })
    startSocketWorker(url)
    const doomed = startSocketWorker(url, {
      before: message => {
        if (message.type === 'gradient' && message.step === 3) doomed.die()
        return message
      },
    })
    const summary = await finished
    expect(summary.weightsSha256).toBe(finalSha256)
    expect(summary.perWorker.map(({ outcome }) => outcome === 'stayed to the end').sort()).toEqual([false, true, true])
  })

  test('is not disturbed by strangers at its port', async () => {
    const { url, finished, events } = await start()
    const { port } = new URL(url)
    let disturbed = false
    startSocketWorker(url, {
      before: async message => {
        if (message.type === 'gradient' && message.step === 2 && !disturbed) {
          disturbed = true
          await disturb(url, Number(port))
        }
        return message
      },
    })
    const summary = await finished
    expect(summary.weightsSha256).toBe(finalSha256)
    const refusals = events.flatMap(event => (event.type === 'refused' ? [event.reason] : []))
    expect(refusals.map(reason => reason.split(/[;(:]/)[0]!.trim()).sort()).toEqual([
      'a frame is not as long as its tensors',
      'not a WebSocket handshake',
      'wrong token',
    ])
  })

  test('sends a worker away whose replica has drifted', async () => {
    const { url, finished } = await start({
      minWorkers: 2,
      onEvent: event => {
        if (event.type === 'worker-joined' && event.worker.id === 1) startSocketWorker(url)
      },
    })
    // Worker 1, which is given the first chunk of an evaluation when all have as little to do.
    const drifted = startSocketWorker(url, {
      before: message => (message.type === 'metrics' ? { ...message, weightsSha256: '0'.repeat(64) } : message),
    })
    const summary = await finished
    expect(summary.weightsSha256).toBe(finalSha256)
    expect(await drifted.ended).toMatchObject({ code: 'refused', reason: expect.stringContaining('has drifted') })
    expect(summary.perWorker[0]).toMatchObject({ outcome: expect.stringContaining('has drifted') })
  })
})

/** Random bytes, a wrong token and a frame of the wrong length; resolves when each has been sent away. */
async function disturb(url: string, port: number): Promise<void> {
  const raw = connect(port, '127.0.0.1').on('error', () => undefined)
  raw.end('\x01\x02\x03 nonsense\r\n\r\n')
  await once(raw, 'close')
  expect(await startSocketWorker(url, { token: 'wrong' }).ended).toMatchObject({ code: 'refused' })
  const client = await openClient(url)
  client.connection.send(hello)
  client.connection.sendFrame(Buffer.concat([encodeMessage({ ...heartbeat, runId: 'tiny-run' }), Buffer.alloc(3)]))
  await client.closings.next()
}

describe('a run that is asked to stop', () => {
  test('ends after the step with a checkpoint, from which it goes on to the same weights', async () => {
    const stop = new AbortController()
    const first = await start({
      stop: stop.signal,
      onEvent: event => {
        if (event.type === 'step' && event.step === 6) stop.abort()
      },
    })
    const worker = startSocketWorker(first.url)
    const summary = await first.finished
    expect(summary).toMatchObject({ status: 'interrupted', steps: 6, epochs: 1, test: null })
    expect(await worker.ended).toMatchObject({ code: 'interrupted' })
    const plan = tinyPlan()
    const state = decodeState(await readNewestCheckpoint(path), plan.identity)
    expect(state.position).toMatchObject({ epoch: 2, batch: 2 })

    const openFolder = () => reopenRunFolder(path, state.history.epochs, {})
    const second = await start({ plan: tinyPlan({}, state), openFolder, minWorkers: 2 })
    startSocketWorker(second.url)
    startSocketWorker(second.url)
    expect(await second.finished).toMatchObject({
      status: 'completed',
      weightsSha256: finalSha256,
      steps: 8,
      epochs: 2,
    })
    expect(await epochsOnDisk()).toEqual([1, 2])
  })

  test('ends before the first step when it still waits for workers', async () => {
    const stop = new AbortController()
    const { url, finished } = await start({
      minWorkers: 2,
      stop: stop.signal,
      onEvent: event => {
        if (event.type === 'worker-joined') stop.abort()
      },
    })
    startSocketWorker(url)
    expect(await finished).toMatchObject({ status: 'interrupted', steps: 0 })
    expect(await readdir(join(path, 'checkpoints'))).toEqual(['step-000000000.ckpt'])
  })
})

describe('a run that fails', () => {
  test('keeps what it has learnt and tells its workers', async () => {
    const error = new LockstepError('workers-ended', 'all worker processes have ended')
    const { url, finished, abort } = await start({
      onEvent: event => {
        if (event.type === 'step' && event.step === 3) abort(error)
      },
    })
    const worker = startSocketWorker(url)
    await expect(finished).rejects.toBe(error)
    expect(await worker.ended).toMatchObject({ code: 'failed', reason: error.message })
    expect(await readdir(join(path, 'checkpoints'))).toEqual(['step-000000003.ckpt'])
    expect(await readdir(path)).not.toContain('summary.json')
  })

  test('for a full disk says so, and leaves no half of a checkpoint', async () => {
    const { url, finished } = await start({
      openFolder: async () => {
        const folder = await createRunFolder(path, {})
        await folder.writeCheckpoint(0, Uint8Array.of(0))
        // What is written aside for the checkpoint of step 4 finds no room.
        await symlink('/dev/full', join(path, 'checkpoints', `step-000000004.ckpt.${process.pid}.partial`))
        return folder
      },
    })
    const worker = startSocketWorker(url)
    await expect(finished).rejects.toMatchObject({ code: 'disk-full' })
    expect(await worker.ended).toMatchObject({ code: 'failed' })
    expect(await readdir(join(path, 'checkpoints'))).not.toContain('step-000000004.ckpt')
  })

  test('frees its port', async () => {
    const { url, finished, abort } = await start()
    abort(new LockstepError('workers-ended', 'gone'))
    await expect(finished).rejects.toMatchObject({ code: 'workers-ended' })
    const socket = openWebSocket(url, 1000)
    const [error] = await once(socket, 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('starting', () => {
  test('fails without a folder when the port is taken', async () => {
    const { url, abort, finished } = await start()
    const port = Number(new URL(url).port)
    let opened = false
    const openFolder = async () => {
      opened = true
      return createRunFolder(path, {})
    }
    const second = start({ listen: { host: '127.0.0.1', port, tls: null }, openFolder })
    await expect(second).rejects.toMatchObject({ code: 'port-taken' })
    expect(opened).toBe(false)
    abort(new LockstepError('workers-ended', 'gone'))
    await expect(finished).rejects.toThrow()
  })

  test('frees the port when the folder cannot be opened', async () => {
    await createRunFolder(path, {})
    let url = ''
    const failed = start({
      onEvent: event => {
        if (event.type === 'listening') url = event.url
      },
    })
    await expect(failed).rejects.toMatchObject({ code: 'run-folder-taken' })
    const [error] = await once(openWebSocket(url, 1000), 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  })
})
