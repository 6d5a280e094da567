import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { weightsSha256 } from '@lockstep/model'
import { type Clock, encodeMessage, type Message, systemClock } from '@lockstep/protocol'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { refuseTooLarge } from '../src/coordinator.ts'
import { runSummarySchema } from '../src/metrics.ts'
import { reopenRunFolder } from '../src/run-folder/run-folder.ts'
import { systemWorld } from '../src/world.ts'
import { temporaryFolder } from './support/folder.ts'
import { openClient } from './support/listener.ts'
import { startSocketWorker } from './support/socket-worker.ts'
import { startTiny } from './support/start-coordinator.ts'
import { heartbeat, hello } from './support/test-membership.ts'
import { newestState, tinyPlan, tinyState } from './support/tiny-plan.ts'
import { trainAlone } from './support/train-alone.ts'

const finalSha256 = weightsSha256(trainAlone().at(-1)!)
let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'run')
})

const epochsOnDisk = async () => {
  const lines = (await readFile(join(path, 'metrics.jsonl'), 'utf8')).trim().split('\n')
  return lines.map(line => JSON.parse(line).epoch)
}

test('a run refuses a model that is too large for a message to a worker', () => {
  // Zeros that are never touched take no memory.
  const weights = new Float32Array(100_000_000)
  const state = { ...tinyState(), weights, optimizer: { step: 0, moments: [weights, weights], powers: [] } }
  const plan = { ...tinyPlan({}, state), trainableSize: weights.length }
  const received = expect.stringMatching(/^300,000,000: 100,000,000 weights and 2/)
  expect(() => refuseTooLarge(plan)).toThrow(
    expect.objectContaining({ code: 'model-too-large', kind: 'usage', received }),
  )
  expect(() => refuseTooLarge({ ...plan, trainableSize: 80_000_000 })).not.toThrow()
})

describe('a run', () => {
  test('trains, tests, writes its folder and sends its workers `finished`', async () => {
    const { url, finished, events } = await startTiny(path, { minWorkers: 2 })
    const workers = [startSocketWorker(url), startSocketWorker(url)]
    const summary = await finished
    expect(summary).toMatchObject({ run: 'run', status: 'completed', weightsSha256: finalSha256, epochs: 2, steps: 8 })
    expect(summary.test).toEqual({ loss: expect.any(Number), accuracy: expect.any(Number) })
    // Each of the 33 samples in each of the 2 epochs, by one worker or the other.
    expect(summary.perWorker.reduce((sum, { samples }) => sum + samples, 0)).toBe(66)
    expect((await readdir(path)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'life.json',
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

  test('ends with the same weights when a worker is lost during a step and another one joins', async () => {
    const { url, finished } = await startTiny(path, {
      minWorkers: 2,
      onEvent: event => {
        if (event.type !== 'worker-lost') return
        startSocketWorker(url)
      },
    })
    startSocketWorker(url)
    const doomed = startSocketWorker(url, {
      before: message => {
        // While no pace is known, each of the two workers gets half of the shards.
        if (message.type === 'gradient' && message.step === 1) doomed.die()
        return message
      },
    })
    const summary = await finished
    expect(summary.weightsSha256).toBe(finalSha256)
    expect(summary.perWorker.map(({ outcome }) => outcome === 'stayed to the end').sort()).toEqual([false, true, true])
  })

  test('continues when an answer from a live worker never arrives', async () => {
    const { url, finished } = await startTiny(path, { minWorkers: 2 })
    const held: string[] = []
    const before = (message: Message) => {
      // By step 5 both have answered often enough for their pace to be known.
      if (message.type !== 'gradient' || message.step !== 5 || held.length > 0) return message
      held.push(`shard ${message.shard}`)
      return null
    }
    for (let worker = 0; worker < 2; worker++) startSocketWorker(url, { before })
    const { weightsSha256, perWorker } = await finished
    expect(held).toHaveLength(1)
    expect(weightsSha256).toBe(finalSha256)
    expect(perWorker.map(({ outcome }) => outcome)).toEqual(['stayed to the end', 'stayed to the end'])
    // Two epochs of 33 samples, each once.
    expect(perWorker.reduce((sum, { samples }) => sum + samples, 0)).toBe(66)
  })

  test('is not affected by a clock that is set back by a day', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const { url, finished } = await startTiny(path, {
      minWorkers: 2,
      onEvent: event => {
        if (event.type === 'step' && event.step === 3) vi.setSystemTime(Date.now() - 86_400_000)
      },
    })
    for (let worker = 0; worker < 2; worker++) startSocketWorker(url)
    const summary = await finished
    expect(summary).toMatchObject({ status: 'completed', weightsSha256: finalSha256 })
    expect(summary.trainSeconds).toBeGreaterThan(0)
    const lines = (await readFile(join(path, 'metrics.jsonl'), 'utf8')).trim().split('\n')
    for (const line of lines) expect(JSON.parse(line).seconds).toBeGreaterThan(0)
  })

  test('starts no step with fewer workers than its quorum', async () => {
    const steps: number[] = []
    const { url, finished, events } = await startTiny(path, {
      minWorkers: 2,
      quorum: 2,
      onEvent: event => {
        if (event.type === 'step') steps.push(event.active)
        if (event.type === 'worker-lost') startSocketWorker(url)
      },
    })
    startSocketWorker(url)
    const doomed = startSocketWorker(url, {
      before: message => {
        if (message.type === 'gradient' && message.step === 1) doomed.die()
        return message
      },
    })
    expect(await finished).toMatchObject({ weightsSha256: finalSha256 })
    expect(events.filter(event => event.type === 'short-of-workers')).toMatchObject([{ active: 1, wanted: 2 }])
    // Except for the step during which the worker was lost.
    expect(steps.filter(active => active < 2).length).toBeLessThanOrEqual(1)
  })

  test('is not disturbed by random bytes, a wrong token or a malformed frame at its port', async () => {
    const { url, finished, events } = await startTiny(path)
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

  test('drops a worker whose replica has drifted', async () => {
    const { url, finished } = await startTiny(path, {
      minWorkers: 2,
      onEvent: event => {
        if (event.type === 'worker-joined' && event.worker.id === 1) startSocketWorker(url)
      },
    })
    // Worker 1, which gets the first chunk of an evaluation when all workers are equally busy.
    const drifted = startSocketWorker(url, {
      before: message => (message.type === 'metrics' ? { ...message, weightsSha256: '0'.repeat(64) } : message),
    })
    const summary = await finished
    expect(summary.weightsSha256).toBe(finalSha256)
    expect(await drifted.ended).toMatchObject({ code: 'refused', reason: expect.stringContaining('has drifted') })
    expect(summary.perWorker[0]).toMatchObject({ outcome: expect.stringContaining('has drifted') })
  })
})

/** Sends random bytes, a wrong token and a frame of the wrong length; resolves when each connection has been closed. */
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
  test('finishes the step, writes a checkpoint and, when resumed, ends with the same weights', async () => {
    const stop = new AbortController()
    const first = await startTiny(path, {
      stop: stop.signal,
      onEvent: event => {
        if (event.type === 'step' && event.step === 6) stop.abort()
      },
    })
    const worker = startSocketWorker(first.url)
    const summary = await first.finished
    expect(summary).toMatchObject({ status: 'interrupted', steps: 6, epochs: 1, test: null })
    expect(await worker.ended).toMatchObject({ code: 'interrupted' })
    const state = await newestState(path)
    expect(state.position).toMatchObject({ epoch: 2, batch: 2 })

    const openFolder = () => reopenRunFolder(path, { epochs: state.history.epochs, step: state.step }, {})
    const second = await startTiny(path, { plan: tinyPlan({}, state), openFolder, minWorkers: 2 })
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

  describe('while no answer arrives', () => {
    /** Timeouts end after a hundredth of their time; intervals keep theirs. */
    const clock: Clock = { ...systemClock, after: (delayMs, action) => systemClock.after(delayMs / 100, action) }
    const cases = [
      { what: 'a step', hangs: { type: 'gradient', step: 5 }, epochs: 1, position: { epoch: 2, batch: 1 } },
      { what: 'a validation', hangs: { type: 'metrics', step: 4 }, epochs: 0, position: { epoch: 1, batch: 4 } },
    ] as const

    test.each(cases)('abandons $what and resumes to the same weights', async ({ hangs, epochs, position }) => {
      const stop = new AbortController()
      const { step } = hangs
      const first = await startTiny(path, { stop: stop.signal }, { ...systemWorld, clock })
      const worker = startSocketWorker(first.url, {
        before: message => {
          if (message.type !== hangs.type || message.step !== step) return message
          stop.abort()
          return null
        },
      })
      expect(await first.finished).toMatchObject({ status: 'interrupted', steps: step, epochs, test: null })
      expect(await worker.ended).toMatchObject({ code: 'interrupted' })
      const reason = 'interrupted, and no answer has come for 10 s'
      expect(first.events.filter(({ type }) => type === 'abandoned')).toEqual([{ type: 'abandoned', step, reason }])
      const state = await newestState(path)
      expect(state).toMatchObject({ step, position })

      const openFolder = () => reopenRunFolder(path, { epochs: state.history.epochs, step }, {})
      const second = await startTiny(path, { plan: tinyPlan({}, state), openFolder })
      startSocketWorker(second.url)
      expect(await second.finished).toMatchObject({ status: 'completed', weightsSha256: finalSha256, epochs: 2 })
      expect(await epochsOnDisk()).toEqual([1, 2])
    })
  })

  test('during the test ends as interrupted, and is tested when resumed', async () => {
    const stop = new AbortController()
    const { url, finished } = await startTiny(path, {
      stop: stop.signal,
      onEvent: event => {
        if (event.type === 'phase' && event.phase === 'testing') stop.abort()
      },
    })
    startSocketWorker(url, { before: message => (stop.signal.aborted ? null : message) })
    expect(await finished).toMatchObject({ status: 'interrupted', steps: 8, test: null, weightsSha256: finalSha256 })

    const state = await newestState(path)
    const openFolder = () => reopenRunFolder(path, { epochs: state.history.epochs, step: state.step }, {})
    const second = await startTiny(path, { plan: tinyPlan({}, state), openFolder })
    startSocketWorker(second.url)
    expect(await second.finished).toMatchObject({ status: 'completed', test: { loss: expect.any(Number) } })
  })

  test('ends before the first step if it is still waiting for workers', async () => {
    const stop = new AbortController()
    const { url, finished } = await startTiny(path, {
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
