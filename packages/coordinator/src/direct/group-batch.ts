import { isSoundLoss } from '@lockstep/model/arithmetic'
import { createDeferred } from '../deferred.ts'
import type { Exchange } from '../exchange.ts'
import type { Answer } from '../membership/answer.ts'
import {
  type BatchResult,
  type BatchRun,
  createShardTasks,
  type PendingBatch,
  pendingBatch,
  type ReductionTools,
  type Share,
} from '../training/batch-gradient.ts'
import type { BatchShards } from '../training/batches.ts'
import { createCredits } from './credits.ts'
import type { Direct } from './direct.ts'
import type { Group } from './groups.ts'
import type { MeanFigures, WriteMean } from './mean-arrival.ts'

export type GroupRun = BatchRun & {
  readonly group: Group
  /** Of this step. Workers that exchange its gradients learn it from the shard's message only. */
  readonly learningRate: number
}

/**
 * Asks workers for the gradients of a batch's shards, which they reduce among themselves; each member sends its slice
 * of the mean. If the group ends first, the mean is recalled from a worker that has it whole, or workers are asked for
 * the shards' gradients again. The bits are the same, since all inputs of a step are known.
 */
export function submitToGroup(
  batch: BatchShards,
  run: GroupRun,
  tools: ReductionTools & { readonly exchange: Exchange<Answer>; readonly direct: Direct },
): PendingBatch {
  const { exchange, direct } = tools
  const { group, step, learningRate } = run
  /** Set once: the loser of the race would write into a vector that has already been given back with the step. */
  let way: 'exchange' | 'rescue' | null = null
  const { tasks, total, reduce, release } = createShardTasks(batch, run, tools, {
    id: group.id,
    learningRate,
    // The group is settled: every remaining member has confirmed that it has left the group.
    isOver: () => way === 'rescue',
  })
  const credits = createCredits(group, tasks)
  const mean = tools.vectors.take()
  const write: WriteMean = (start, elements) =>
    tools.format.unpack(elements, mean.subarray(start, start + elements.length))
  const submitted = exchange.submitAll(credits.tasks).map(async (answered, index) => {
    const answer = await answered
    if (answer.message.type === 'contribution') credits.note(index, answer)
    return answer
  })
  const isIntact = () => direct.current() === group

  async function exchanged(): Promise<BatchResult> {
    const computed = Promise.all(submitted).then(() => direct.noteComputed(step))
    const [figures] = await Promise.all([direct.expectMean(step, group, write), computed])
    if (way !== null || !isUsable(figures)) return never()
    way = 'exchange'
    stopListening()
    return { ...resultOf(figures, credits.told()), isEverywhere: isIntact }
  }

  async function rescue(): Promise<BatchResult> {
    const reached = await group.settled
    if (way !== null) return never()
    way = 'rescue'
    direct.forgetMean(step)
    const recalled = direct.isRejected(group) ? null : await recall(reached)
    if (recalled !== null && isUsable(recalled)) {
      for (const { key } of tasks) exchange.withdraw(key)
      return resultOf(recalled, credits.withLost(reached))
    }
    return reduce(await Promise.all(submitted.map((answer, index) => insist(answer, index))))
  }

  /**
   * The workers' mean is trusted except for this check: a replica that has applied a mean that is not finite, or is of
   * another batch, is useless.
   */
  function isUsable(figures: MeanFigures): boolean {
    const taken = `the mean gradient of step ${step + 1}, which it has taken, is`
    const isSound = isSoundLoss(figures.lossSum, total) && tools.arithmetic.scale(mean, 1)
    if (!isSound) direct.reject(group, `${taken} not finite`)
    if (figures.total !== total) direct.reject(group, `${taken} one of ${figures.total} samples instead of ${total}`)
    return !direct.isRejected(group)
  }

  function resultOf({ lossSum, correct }: MeanFigures, shares: readonly Share[]): BatchResult {
    return { gradient: mean, lossSum, correct, count: total, shares }
  }

  async function recall(reached: ReadonlyMap<number, number>): Promise<MeanFigures | null> {
    for (const [workerId, workersStep] of reached) {
      const figures = workersStep > step ? await direct.recallMean(step, workerId, write) : null
      if (figures !== null) return figures
    }
    return null
  }

  /** Resubmits a task as long as its gradient went to the group instead of the coordinator. */
  async function insist(first: Promise<Answer>, index: number): Promise<Answer> {
    let answer = await first
    while (answer.message.type === 'contribution') answer = await exchange.submit(tasks[index]!)
    return answer
  }

  const { promise: rescued, resolve, reject } = createDeferred<BatchResult>()
  const stopListening = group.onOver(() => void rescue().then(resolve, reject))
  return pendingBatch({
    result: Promise.race([exchanged(), rescued]),
    group,
    release: () => {
      release()
      tools.vectors.giveBack(mean)
    },
  })
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}
