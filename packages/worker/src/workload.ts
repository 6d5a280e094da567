import type { Message, MessageOf } from '@lockstep/protocol'
import type { ComputeProgress } from './progress.ts'

/**
 * The tasks that the computing thread has yet to answer, and since when it has finished nothing. Shards of coming
 * steps, which are sent ahead, count only once the update that makes them due has been given: a worker that waits for
 * others does not hang. Shards of past steps do not count either: the replica drops them.
 */
export type Workload = {
  readonly give: (message: Message) => void
  readonly answer: (step: number) => void
  readonly reach: (step: number) => void
  readonly report: () => ComputeProgress
}

export function createWorkload(nowMs: () => number): Workload {
  let unanswered: number[] = []
  let reached = 0
  /** The step to which the messages given so far lead. */
  let given = 0
  let progressAt = nowMs()

  const pending = () => unanswered.filter(step => step <= given).length

  function give(message: Message): void {
    const wasIdle = pending() === 0
    if (message.type === 'state') [given, unanswered] = [message.step, []]
    else if (message.type === 'update') given = Math.max(given, message.step + 1)
    else if (isTask(message) && message.step >= reached) unanswered.push(message.step)
    if (wasIdle) progressAt = nowMs()
  }

  function reach(step: number): void {
    reached = step
    unanswered = unanswered.filter(each => each >= step)
    progressAt = nowMs()
  }

  return {
    give,
    answer: step => {
      reach(step)
      const at = unanswered.indexOf(step)
      if (at >= 0) unanswered.splice(at, 1)
    },
    reach,
    report: () => ({ step: reached, pending: pending(), quietMs: nowMs() - progressAt }),
  }
}

function isTask(message: Message): message is MessageOf<'work'> | MessageOf<'evaluate'> {
  return message.type === 'work' || message.type === 'evaluate'
}
