import type { SendableTask } from '../exchange.ts'
import type { Answer } from '../membership/answer.ts'
import { type Share, shareOf } from '../training/batch-gradient.ts'
import type { Group } from './groups.ts'

/** Who has computed which shard of a batch, as far as the coordinator knows. */
export type Credits = {
  /** As they are to be submitted. */
  readonly tasks: readonly SendableTask<Answer>[]
  /** A worker has told of the shard of a task. */
  readonly note: (index: number, answer: Answer) => void
  readonly told: () => readonly Share[]
  /**
   * With the shards that were computed by a member which was lost before the coordinator heard of it: whoever has told what
   * it has `reached` has told of all its shards before.
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
