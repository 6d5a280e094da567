import { coordinatorPhases, forEachPiece, type Times, workerPhases } from '@lockstep/protocol'
import type { FinishedStep, WorkerTimes } from './step-timing.ts'
import type { TraceFile } from './trace-file.ts'

/**
 * Writes steps in Chrome's trace event format, which Perfetto opens. The coordinator and each worker are a process;
 * each piece of a step is a complete event, with counters beside them. Times are in microseconds since the trace began,
 * all by the coordinator's clock.
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
export type Trace = {
  readonly name: (workerId: number, name: string) => void
  /** The times that a worker reported with a gradient. Its clock is ahead by `offsetMs`. */
  readonly worker: (
    workerId: number,
    message: WorkerTimes,
    clock: { readonly offsetMs: number; readonly errorMs: number | null },
  ) => void
  readonly step: (finished: FinishedStep, times: Times) => void
}

/** An event without its time. */
type Place = { readonly pid: number; readonly name: string; readonly args: Readonly<Record<string, unknown>> }

const coordinatorProcess = 1

/** Perfetto treats process 0 as the idle one, so the workers' numbers follow the coordinator's. */
const processOf = (workerId: number) => coordinatorProcess + workerId

/** Shorter pieces are below the resolution of the clock. */
const shortestMs = 0.0005

/** Times count from `originMs`. Nothing is written after `maxSteps` steps. */
export function createTrace(file: Pick<TraceFile, 'add' | 'settle'>, originMs: number, maxSteps: number): Trace {
  /** The end of each worker's last event. Estimates of its clock vary, and events must not overlap. */
  const ends = new Map<number, number>()
  let steps = 0

  const emit = (event: object) => {
    if (steps < maxSteps) file.add(JSON.stringify(event))
  }

  function complete({ pid, name, args }: Place, startMs: number, endMs: number): void {
    const [ts, end] = [toTrace(startMs), toTrace(endMs)]
    emit({ ph: 'X', pid, tid: 1, name, ts, dur: (Math.round(end * 1000) - Math.round(ts * 1000)) / 1000, args })
  }

  /** Microseconds, rounded to the nanosecond. */
  function toTrace(timeMs: number): number {
    return Math.round((timeMs - originMs) * 1e6) / 1000
  }

  function count(pid: number, name: string, timeMs: number, value: number): void {
    emit({ ph: 'C', pid, name, ts: toTrace(timeMs), args: { [name]: value } })
  }

  function nameProcess(pid: number, name: string): void {
    emit({ ph: 'M', pid, tid: 1, name: 'process_name', args: { name } })
    emit({ ph: 'M', pid, tid: 1, name: 'process_sort_index', args: { sort_index: pid } })
    emit({ ph: 'M', pid, tid: 1, name: 'thread_name', args: { name: 'phases' } })
  }

  const worker: Trace['worker'] = (workerId, { step, shard, times }, { offsetMs, errorMs }) => {
    const pid = processOf(workerId)
    let endMs = ends.get(workerId) ?? originMs
    forEachPiece(times, (phase, start, durationMs) => {
      const startMs = Math.max(endMs, start - offsetMs)
      const untilMs = start + durationMs - offsetMs
      if (untilMs - startMs < shortestMs) return
      complete({ pid, name: workerPhases[phase]!, args: { step, shard } }, startMs, untilMs)
      endMs = untilMs
    })
    ends.set(workerId, endMs)
    if (errorMs !== null) count(pid, 'clock error, ms', endMs, errorMs)
  }

  const step: Trace['step'] = ({ epoch, step: number, lossSum, correct, count: samples }, times) => {
    const pid = coordinatorProcess
    const startMs = times[0]!
    let endMs = startMs
    forEachPiece(times, (_, from, durationMs) => {
      endMs = from + durationMs
    })
    const figures = { loss: lossSum / samples, accuracy: correct / samples }
    complete({ pid, name: 'step', args: { step: number - 1, epoch, ...figures } }, startMs, endMs)
    forEachPiece(times, (phase, from, durationMs) => {
      if (durationMs < shortestMs) return
      complete({ pid, name: coordinatorPhases[phase]!, args: { step: number - 1 } }, from, from + durationMs)
    })
    count(pid, 'images/s', startMs, (1000 * samples) / (endMs - startMs))
    count(pid, 'loss', startMs, figures.loss)
    steps += 1
    file.settle()
  }

  nameProcess(coordinatorProcess, 'coordinator')
  return { name: (workerId, name) => nameProcess(processOf(workerId), name), worker, step }
}
