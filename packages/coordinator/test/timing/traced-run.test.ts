import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import type { StepMetrics } from '../../src/metrics.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startSocketWorker } from '../support/socket-worker.ts'
import { startTiny } from '../support/start-coordinator.ts'
import { tinyPlan } from '../support/tiny-plan.ts'

type Event = { ph: string; pid: number; name: string; ts: number; dur: number; args: Record<string, number> }

let folder: string

beforeEach(async () => {
  folder = await temporaryFolder()
})

const readTrace = async (): Promise<Event[]> =>
  JSON.parse(await readFile(join(folder, 'trace.json'), 'utf8')).traceEvents

/** The tiny run of two workers, 4 steps an epoch, with steps logged and traced. */
async function runTraced(epochs: number, traced: number) {
  const { url, finished, stop } = await start(epochs, traced)
  const workers = [startSocketWorker(url), startSocketWorker(url)]
  return { summary: await finished, stop, workers }
}

async function start(epochs: number, traced: number) {
  const stop = new AbortController()
  const started = await startTiny(join(folder, 'run'), {
    plan: tinyPlan({ epochs }),
    minWorkers: 2,
    logSteps: true,
    trace: { file: join(folder, 'trace.json'), steps: traced },
    stop: stop.signal,
    onEvent: event => {
      if (event.type === 'step' && event.step === 6 && epochs === 1000) stop.abort()
    },
  })
  return { ...started, stop }
}

test('a run reports how the time of its steps was spent, in a line for each step and in its summary', async () => {
  const { summary } = await runTraced(10, 1000)
  const lines = (await readFile(join(folder, 'run', 'metrics.jsonl'), 'utf8')).trim().split('\n')
  const metrics = lines.map(line => JSON.parse(line) as StepMetrics | { type: 'epoch' })
  const steps = metrics.filter(line => line.type === 'step')
  expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
  expect(metrics.findIndex(({ type }) => type === 'epoch')).toBe(4)
  // 40 steps without the 20 of the warm-up
  expect(summary.phases!.coordinator.steps).toBe(20)
  expect(summary.phases!.workers.map(({ id }) => id).sort()).toEqual([1, 2])
  for (const { coordinator, milliseconds } of steps) {
    const sum = Object.values(coordinator).reduce((total, ms) => total + ms, 0)
    // Seven phases, each rounded to the microsecond.
    expect(Math.abs(sum - milliseconds)).toBeLessThan(0.01)
  }
})

test('the phases in a trace fill their step', async () => {
  await runTraced(2, 1000)
  const own = (await readTrace()).filter(({ ph, pid }) => ph === 'X' && pid === 1)
  const steps = own.filter(({ name }) => name === 'step')
  expect(steps.map(({ args }) => args.step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  for (const step of steps) {
    const phases = own.filter(({ name, args }) => name !== 'step' && args.step === step.args.step)
    let endUs = step.ts
    for (const { ts, dur } of phases) {
      // Phases below half a microsecond are left out.
      expect(ts - endUs).toBeGreaterThan(-0.002)
      expect(ts - endUs).toBeLessThan(2)
      endUs = ts + dur
    }
    expect(Math.abs(step.ts + step.dur - endUs)).toBeLessThan(2)
  }
})

test('in a trace, a worker computes after its shard was prepared and before its gradient was received', async () => {
  await runTraced(10, 1000)
  const events = (await readTrace()).filter(({ ph }) => ph === 'X')
  const ends = ({ ts, dur }: Event) => ts + dur
  const of = (pid: number, name: string) => events.filter(event => event.pid === pid && event.name === name)
  const steps = new Map(of(1, 'step').map(event => [event.args.step, event]))
  // An unknown clock is estimated from the arrival of the first answer; a known one is right within half a round trip.
  const errors = (await readTrace()).filter(({ name }) => name === 'clock error, ms')
  const errorUs = 1000 * Math.max(2, ...errors.map(({ args }) => args['clock error, ms']!))
  for (const pid of [2, 3]) {
    expect(of(pid, 'compute')).not.toEqual([])
    for (const compute of of(pid, 'compute')) {
      const received = of(1, 'receive').filter(({ args }) => args.step === compute.args.step)
      const prepared = of(1, 'prepare').filter(({ args }) => args.step! >= compute.args.step! - 1)
      expect(ends(compute)).toBeLessThan(Math.max(...received.map(ends)) + errorUs)
      expect(compute.ts).toBeGreaterThan(prepared[0]!.ts - errorUs)
      expect(ends(compute)).toBeLessThan(ends(steps.get(compute.args.step)!) + errorUs)
    }
  }
})

test('the trace of an interrupted run is complete', async () => {
  const interrupted = await runTraced(1000, 1000)
  expect(interrupted.summary).toMatchObject({ status: 'interrupted', phases: null })
  const names = (events: Event[]) => events.filter(({ name }) => name === 'step').length
  expect(names(await readTrace())).toBe(6)
})

test('a trace ends after the requested number of steps', async () => {
  await runTraced(2, 3)
  expect((await readTrace()).filter(({ name }) => name === 'step')).toHaveLength(3)
})
