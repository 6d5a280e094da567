import { LockstepError } from '@lockstep/protocol'
import { describeTask, type Task } from './task.ts'
import { elapsedMs, type Moment, runningOf, type WorkerQueue } from './worker-queue.ts'

/** Beyond this multiple of its expected time, a task is not just delayed. */
const tooManyTimes = 10

/** Below this a worker is only late: a machine may stall for seconds, or compile the graph of a new shape. */
const leastMs = 20_000

/**
 * The limit while the pace is unknown: time to compile the graph of a large model, and a second per sample for the
 * slowest machine.
 */
const unknownPace = { graphMs: 60_000, sampleMs: 1000 }

/** Once this many workers in turn have hung on a task, the next one would hang as well. */
export const mostHangs = 3

/** How long a worker may compute its current task of this step before it counts as hung. */
export function hangLimitMs<T extends Task>(queue: WorkerQueue<T>, step: number): number {
  const running = runningOf(queue, step)
  if (running === null) return Number.POSITIVE_INFINITY
  const { kind, samples } = running.task
  const pace = queue.paces.known(kind)
  if (pace === null) return unknownPace.graphMs + samples * unknownPace.sampleMs
  return Math.max(leastMs, tooManyTimes * samples * pace.meanMs)
}

/** Whether a worker has exceeded that limit on its current task, whatever its heartbeats say. */
export function isOverdue<T extends Task>(queue: WorkerQueue<T>, { nowMs, step }: Moment): boolean {
  const running = runningOf(queue, step)
  return running !== null && elapsedMs(queue, running, nowMs) > hangLimitMs(queue, step)
}

/** The error that ends the run when `mostHangs` workers in turn have hung on a task, the last one for `hangingMs`. */
export function hungRepeatedly(task: Task, hangingMs: number): LockstepError {
  const what = describeTask(task)
  return new LockstepError(
    'computation-hangs',
    `${what} could not be computed: ${mostHangs} workers in turn hung on it`,
    {
      expected: `an answer for its ${task.samples} samples`,
      received: `none, from the last of them for ${(hangingMs / 1000).toFixed(0)} s`,
      hint: 'Start a new run with smaller shards (more --shards, a smaller --batch-size), another --engine or other layers; --resume continues if workers were only too slow.',
    },
  )
}
