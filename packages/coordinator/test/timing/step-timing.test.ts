import { workerPhases } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import type { StepMetrics } from '../../src/metrics.ts'
import { phaseReportSchema, stepMetricsSchema } from '../../src/metrics.ts'
import { createClockOffset } from '../../src/timing/clock-offset.ts'
import { createStepTiming } from '../../src/timing/step-timing.ts'

const [wait, compute] = [workerPhases.indexOf('wait'), workerPhases.indexOf('compute')]
const none = { wait: 0, receive: 0, optimizer: 0, compute: 0, encode: 0, send: 0 }
const noneOwn = { prepare: 0, wait: 0, receive: 0, reduce: 0, send: 0, optimizer: 0, other: 0 }

/** Step timing under a clock that the test moves; worker 1's clock is ahead by `offsetMs`, that of others is unknown. */
function createTested({ warmUpSteps = 0, offsetMs = 0 } = {}) {
  const clock = { nowMs: 1000 }
  const lines: StepMetrics[] = []
  const [known, unknown] = [createClockOffset(), createClockOffset()]
  known.add({ sentMs: 0, receivedMs: offsetMs, answeredMs: offsetMs, arrivedMs: 0 })
  const timing = createStepTiming({
    nowMs: () => clock.nowMs,
    warmUpSteps,
    logsSteps: true,
    trace: null,
  })
  const hear = (workerId: number, ...times: number[]) =>
    timing.hear(workerId, { step: 0, shard: 0, times }, workerId === 1 ? known : unknown)
  const end = (step: number) => lines.push(timing.end({ epoch: 1, step, lossSum: 20, correct: 5, count: 10 })!)
  /** A step of 10 ms in which the coordinator waits for 8 ms and applies the update for 2 ms. */
  const pass = (step: number) => {
    timing.enter('wait')
    clock.nowMs += 8
    timing.enter('optimizer')
    clock.nowMs += 2
    end(step)
  }
  return { ...timing, clock, lines, hear, end, pass }
}

describe('the times of a step', () => {
  test('are given by phase for the coordinator and for each worker', () => {
    const { begin, hear, pass, lines } = createTested({ offsetMs: 500 })
    begin()
    // From 1000 to 1007 by the coordinator's clock.
    hear(1, 1500, wait, 1, compute, 6)
    pass(1)
    expect(lines).toEqual([
      {
        type: 'step',
        epoch: 1,
        step: 1,
        samples: 10,
        loss: 2,
        accuracy: 0.5,
        milliseconds: 10,
        coordinator: { ...noneOwn, wait: 8, optimizer: 2 },
        workers: [{ id: 1, phases: { ...none, wait: 1, compute: 6 } }],
      },
    ])
    expect(stepMetricsSchema.parse(lines[0])).toEqual(lines[0])
  })

  test('leave out what a worker did before the first step', () => {
    const { begin, hear, pass, lines, clock } = createTested({ offsetMs: -300 })
    clock.nowMs = 5000
    begin()
    // Its wait since 1000 ends at 5003.
    hear(1, 700, wait, 4003, compute, 6)
    pass(1)
    expect(lines[0]!.workers).toEqual([{ id: 1, phases: { ...none, wait: 3, compute: 6 } }])
  })

  test('assume that the times in an answer end at its arrival if the clock of the worker is unknown', () => {
    const { begin, hear, pass, lines, clock } = createTested()
    clock.nowMs = 5000
    begin()
    clock.nowMs += 9
    // 104 ms that end now: all but the last 9 lie before the step.
    hear(2, 77, wait, 98, compute, 6)
    pass(1)
    expect(lines[0]!.workers).toEqual([{ id: 2, phases: { ...none, wait: 3, compute: 6 } }])
  })
})

describe('the report', () => {
  test('is null until a step after the warm-up has ended', () => {
    const { begin, pass, report } = createTested({ warmUpSteps: 1 })
    begin()
    pass(1)
    expect(report()).toBeNull()
  })

  test('holds means over the steps after the warm-up', () => {
    const { begin, hear, pass, report } = createTested({ warmUpSteps: 1 })
    begin()
    hear(1, 1000, compute, 9)
    pass(1)
    // 1 ms of it belongs to the warm-up, which ends at 1010.
    hear(1, 1009, wait, 2, compute, 6)
    pass(2)
    hear(1, 1017, wait, 3, compute, 7)
    pass(3)
    const own = { ...noneOwn, wait: 8, optimizer: 2 }
    // (1 + 3) / 2 and (6 + 7) / 2
    const worker = { id: 1, steps: 2, stepMs: 10, phases: { ...none, wait: 2, compute: 6.5 } }
    expect(report()).toEqual({ coordinator: { steps: 2, stepMs: 10, phases: own }, workers: [worker] })
    expect(phaseReportSchema.parse(report())).toEqual(report())
  })

  test('counts for a worker the steps in which it took part', () => {
    const { begin, hear, pass, leave, report } = createTested()
    begin()
    hear(1, 1000, compute, 10)
    pass(1)
    hear(2, 0, compute, 10)
    leave(1)
    pass(2)
    hear(2, 0, compute, 10)
    pass(3)
    expect(report()!.workers.map(({ id, steps }) => [id, steps])).toEqual([
      [1, 1],
      [2, 2],
    ])
  })

  test('does not count the time between steps, such as a validation', () => {
    const { begin, pass, report, clock, hear } = createTested()
    begin()
    hear(1, 1000, compute, 10)
    pass(1)
    clock.nowMs += 5000
    begin()
    hear(1, 1010, wait, 5000, compute, 10)
    pass(2)
    expect(report()!.coordinator).toMatchObject({ steps: 2, stepMs: 10 })
    expect(report()!.workers[0]!.phases).toEqual({ ...none, compute: 10 })
  })
})
