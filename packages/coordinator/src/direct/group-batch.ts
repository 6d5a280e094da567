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
  /** Of this step: workers that exchange its gradients are told no other way. */
  readonly learningRate: number
}

/**
 * Asks the workers for the gradients of a batch's shards, which they reduce among themselves; their mean comes from each
 * member's slice. When the group is over before, the mean is had from a worker that has it whole, or made of the gradients
 * of the shards, which workers are then asked for anew: with the same bits, since all that a step is made of is known.
 */
export function submitToGroup(
  batch: BatchShards,
  run: GroupRun,
  tools: ReductionTools & { readonly exchange: Exchange<Answer>; readonly direct: Direct },
): PendingBatch {
  const { exchange, direct } = tools
  const { group, step, learningRate } = run
  /** Chosen once: what comes by the other way would be written into a vector that has been given back with the step. */
  let way: 'exchange' | 'rescue' | null = null
  const { tasks, total, reduce, release } = createShardTasks(batch, run, tools, {
    id: group.id,
    learningRate,
    // Every member that is left has said that it takes part no longer.
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

  /** The workers are trusted with the mean but for this: a replica that has taken one that is not finite, or of another batch, is of no use. */
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

  /** A gradient that has gone to the group is computed again. */
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
