import { describeWorker, type EventListener } from '../events.ts'
import type { Membership } from '../membership/membership.ts'
import { describeTask } from '../schedule/task.ts'
import type { DecisionListener, VotedTask } from './voting.ts'

/**
 * Numbers of audited shards: `compared` ones had two results that agree, `alone` ones had only one worker to compute
 * them.
 */
export type AuditCounts = { readonly compared: number; readonly alone: number }

export type DecisionHandler = DecisionListener & { readonly counts: () => AuditCounts }

/** Translates decisions on doubted answers into actions on workers: note, count or exclude. */
export function createDecisionHandler(
  membership: () => Pick<Membership, 'note' | 'countWrongAnswer' | 'exclude' | 'factsOf'>,
  onEvent: EventListener,
): DecisionHandler {
  let [compared, alone] = [0, 0]

  function onAccepted(task: VotedTask, isLone: boolean): void {
    if (task.votesNeeded === 1) return
    if (!isLone) compared += 1
    else if (alone++ === 0) onEvent({ type: 'unaudited', step: task.step + 1 })
  }

  return {
    onAccepted,
    onUnsound: (workerId, task) => membership().note(workerId, `${describeTask(task)} is not finite`),
    onRefuted: (workerId, task) =>
      membership().countWrongAnswer(workerId, `${describeTask(task)} was not finite, though that of others is`),
    onWrong: (workerId, _, reason) => membership().exclude(workerId, reason),
    nameOf: workerId => describeWorker(membership().factsOf(workerId)),
    counts: () => ({ compared, alone }),
  }
}
