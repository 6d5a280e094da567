import { coordinatorPhases, workerPhases } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createTrace } from '../../src/timing/trace.ts'

type Event = { ph: string; pid: number; name: string; ts: number; dur: number; args: Record<string, unknown> }

const worker = (name: (typeof workerPhases)[number]) => workerPhases.indexOf(name)
const own = (name: (typeof coordinatorPhases)[number]) => coordinatorPhases.indexOf(name)
const finished = { epoch: 2, step: 8, lossSum: 20, correct: 5, count: 10 }

function createTested(maxSteps = 10) {
  const events: Event[] = []
  const file = { add: (event: string) => events.push(JSON.parse(event)), settle: () => undefined }
  const trace = createTrace(file, 1000, maxSteps)
  const complete = () => events.filter(({ ph }) => ph === 'X').map(({ pid, name, ts, dur }) => [pid, name, ts, dur])
  return { ...trace, events, complete }
}

describe('a trace', () => {
  test('names the coordinator and each worker', () => {
    const { name, events } = createTested()
    name(3, 'worker 3: local-3')
    const names = events.filter(event => event.name === 'process_name').map(({ pid, args }) => [pid, args.name])
    expect(names).toEqual([
      [1, 'coordinator'],
      [4, 'worker 3: local-3'],
    ])
  })

  test('contains a step around its phases, in microseconds since its origin', () => {
    const { step, complete, events } = createTested()
    step(finished, [1002, own('prepare'), 0.5, own('wait'), 8, own('optimizer'), 1.5])
    expect(complete()).toEqual([
      [1, 'step', 2000, 10_000],
      [1, 'prepare', 2000, 500],
      [1, 'wait', 2500, 8000],
      [1, 'optimizer', 10_500, 1500],
    ])
    // Messages name a step by that of the weights from which it starts: the eighth one is step 7.
    expect(events.find(({ name }) => name === 'step')!.args).toEqual({ step: 7, epoch: 2, loss: 2, accuracy: 0.5 })
    // 10 samples in 10 ms
    expect(events.find(({ name }) => name === 'images/s')).toMatchObject({ ph: 'C', args: { 'images/s': 1000 } })
  })

  test('converts the times of a worker to the clock of the coordinator', () => {
    const { worker: hear, complete, events } = createTested()
    const times = [6002, worker('receive'), 0.25, worker('compute'), 7]
    hear(1, { step: 7, shard: 3, times }, { offsetMs: 5000, errorMs: 0.125 })
    expect(complete()).toEqual([
      [2, 'receive', 2000, 250],
      [2, 'compute', 2250, 7000],
    ])
    expect(events.find(({ name }) => name === 'compute')!.args).toEqual({ step: 7, shard: 3 })
    expect(events.at(-1)).toMatchObject({ ph: 'C', pid: 2, ts: 9250, args: { 'clock error, ms': 0.125 } })
  })

  test('contains no overlapping events of a worker when the estimate of its clock changes', () => {
    const { worker: hear, complete } = createTested()
    hear(1, { step: 0, shard: 0, times: [1000, worker('compute'), 5] }, { offsetMs: 0, errorMs: null })
    const times = [1005, worker('wait'), 0.5, worker('compute'), 4]
    hear(1, { step: 1, shard: 0, times }, { offsetMs: 1, errorMs: null })
    // By the new estimate it would wait from 4 to 4.5 ms and compute from there.
    expect(complete()).toEqual([
      [2, 'compute', 0, 5000],
      [2, 'compute', 5000, 3500],
    ])
  })

  test('leaves out phases that are too short for the clock', () => {
    const { step, complete } = createTested()
    step(finished, [1000, own('prepare'), 0, own('wait'), 10])
    expect(complete().map(([, name]) => name)).toEqual(['step', 'wait'])
  })

  test('ends after a given number of steps', () => {
    const { step, worker: hear, events } = createTested(2)
    for (let number = 1; number <= 3; number++) {
      hear(1, { step: number, shard: 0, times: [1000 * number, 0, 1] }, { offsetMs: 0, errorMs: null })
      step({ ...finished, step: number }, [1000 * number, 0, 10])
    }
    expect(events.filter(({ name }) => name === 'step').map(({ args }) => args.step)).toEqual([0, 1])
    expect(Math.max(...events.map(({ ts }) => ts ?? 0))).toBeLessThan(2000 * 1000)
  })
})
