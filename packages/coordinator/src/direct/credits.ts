import type { SendableTask } from '../exchange.ts'
import type { Answer } from '../membership/answer.ts'
import { type Share, shareOf } from '../training/batch-gradient.ts'
import type { Group } from './groups.ts'

/** Records which worker has computed which shard of a batch, as far as the coordinator knows. */
export type Credits = {
  /** The tasks in the form in which they are to be submitted. */
  readonly tasks: readonly SendableTask<Answer>[]
  /** A worker has reported the shard of a task. */
  readonly note: (index: number, answer: Answer) => void
  readonly told: () => readonly Share[]
  /**
   * All known shares, plus those of lost members: shards that a member computed but had not reported when it was lost.
   * A member in `reached` has reported all its shards, so only tasks sent to lost members are added.
   */
  readonly withLost: (reached: ReadonlyMap<number, number>) => readonly Share[]
}

export function createCredits(group: Group, tasks: readonly SendableTask<Answer>[]): Credits {
  const told = new Map<number, Share>()
  const sentTo = tasks.map((): number[] => [])
  return {
    tasks: tasks.map((task, index) => ({ ...task, onSent: (workerId: number) => void sentTo[index]!.push(workerId) })),
    note: (index: number, answer: Answer) => void told.set(index, shareOf(answer)),
    told: () => [...told.values()],
    withLost: (reached: ReadonlyMap<number, number>) =>
      tasks.flatMap(({ samples }, index): readonly Share[] => {
        const share = told.get(index)
        if (share !== undefined) return [share]
        const isLost = (workerId: number) => group.members.includes(workerId) && !reached.has(workerId)
        const workerId = sentTo[index]!.findLast(isLost)
        return workerId === undefined ? [] : [{ workerId, samples }]
      }),
  }
}
