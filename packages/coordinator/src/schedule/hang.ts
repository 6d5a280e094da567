import { LockstepError } from '@lockstep/protocol'
import { describeTask, type Task } from './task.ts'
import { elapsedMs, type Moment, runningOf, type WorkerQueue } from './worker-queue.ts'

/** So many times what a task takes by the worker's pace is no delay any more. */
const tooManyTimes = 10

/** Below this a worker is only late: a machine may stall for seconds, and the graph of a new shape may be compiled. */
const leastMs = 20_000

/** While the pace is unknown: to compile the graph of a large model, and a second for each sample on the slowest machine. */
const unknownPace = { graphMs: 60_000, sampleMs: 1000 }

/** After so many workers, one after the other, that have hung at a task the next one would hang as well. */
export const mostHangs = 3

/** How long a worker may be at what it computes at this step before it counts as hung. */
export function hangLimitMs<T extends Task>(queue: WorkerQueue<T>, step: number): number {
  const running = runningOf(queue, step)
  if (running === null) return Number.POSITIVE_INFINITY
  const { kind, samples } = running.task
  const pace = queue.paces.known(kind)
  if (pace === null) return unknownPace.graphMs + samples * unknownPace.sampleMs
  return Math.max(leastMs, tooManyTimes * samples * pace.meanMs)
}

/** Whether a worker has been at what it computes now for longer, whatever it says of itself. */
export function isOverdue<T extends Task>(queue: WorkerQueue<T>, { nowMs, step }: Moment): boolean {
  const running = runningOf(queue, step)
  return running !== null && elapsedMs(queue, running, nowMs) > hangLimitMs(queue, step)
}

/** The end of a run that has no worker for a task: the last one has hung at it for so long. */
export function hopeless(task: Task, hangingMs: number): LockstepError {
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
