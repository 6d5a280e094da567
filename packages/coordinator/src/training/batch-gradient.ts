import { type Arithmetic, createTreeReduction, type GradientFormat, type VectorPool } from '@lockstep/model/arithmetic'
import type { MessageOf } from '@lockstep/protocol'
import type { Audit } from '../audit/audit.ts'
import { addGradient, keepGradient } from '../audit/gradient-vote.ts'
import type { Group } from '../direct/groups.ts'
import type { Exchange, SendableTask } from '../exchange.ts'
import type { Answer } from '../membership/answer.ts'
import type { StepTiming } from '../timing/step-timing.ts'
import type { BatchShards, Samples } from './batches.ts'
import { findFigureFault } from './figure-fault.ts'

/** The result of a global batch: the mean over its samples of what `ShardGradient` holds, and sums over them. */
export type BatchResult = {
  readonly gradient: Float32Array
  readonly lossSum: number
  readonly correct: number
  readonly count: number
  /** How many samples each worker has computed: an entry for each shard. */
  readonly shares: readonly Share[]
  /** Whether all replicas have the mean already. Absent: none has it. */
  readonly isEverywhere?: () => boolean
}

/** A worker's contribution to a batch. */
export type Share = { readonly workerId: number; readonly samples: number }

/** A batch whose shards have been submitted. Their gradients are added up as they arrive. */
export type PendingBatch = {
  /** Resolves once all shards have arrived. */
  readonly result: Promise<BatchResult>
  /** The group that exchanges the batch's gradients; null where they go to the coordinator. */
  readonly group: Group | null
  /** Gives back the vectors still in use, including the one with the result's mean gradient. */
  readonly release: () => void
}

/** Where and how the gradients of shards are added up, and their wire format. */
export type ReductionTools = {
  readonly arithmetic: Arithmetic
  readonly vectors: VectorPool
  readonly format: GradientFormat
  readonly audit: Audit
  /** False for a worker that has computed wrongly. */
  readonly isTrusted: (workerId: number) => boolean
  readonly timing: Pick<StepTiming, 'enter'>
  /** A vector for the mean gradient of a step, from which it is sent without a copy; null where there is none. */
  readonly meanVector: (step: number) => Float32Array | null
}

type GroupOrder = NonNullable<MessageOf<'work'>['group']>

/** What the members of a group are told about a batch, and whether none of them may contribute to it any more. */
type GroupTerms = Omit<GroupOrder, 'total'> & { readonly isOver: () => boolean }

export type BatchRun = { readonly runId: string; readonly step: number; readonly shards: number }

/**
 * Asks the workers for the gradients of a batch's shards. The mean is reduced along the fixed tree; the sums are added
 * in the order of the shards. When a worker that contributed is found to compute wrongly before all shards have
 * arrived, its other gradients are already part of the mean, so all shards are submitted again.
 */
export function submitBatch(
  batch: BatchShards,
  run: BatchRun,
  tools: ReductionTools & { readonly exchange: Exchange<Answer> },
): PendingBatch {
  const releases: (() => void)[] = []

  function attempt(): Promise<BatchResult> {
    const { tasks, reduce, release } = createShardTasks(batch, run, tools)
    releases.push(release)
    return Promise.all(tools.exchange.submitAll(tasks)).then(answers => {
      const areTrusted = answers.every(({ workerId }) => tools.isTrusted(workerId))
      return areTrusted ? reduce(answers) : attempt()
    })
  }

  const release = () => {
    for (const each of releases) each()
  }
  return pendingBatch({ result: attempt(), release, group: null })
}

/**
 * Keeps a batch that was submitted ahead from failing as an unhandled rejection. The code that awaits it later gets the
 * error.
 */
export function pendingBatch(batch: PendingBatch): PendingBatch {
  batch.result.catch(() => undefined)
  return batch
}

/** Creates the tasks of a batch, and the reduction that adds up their gradients as they arrive. */
export function createShardTasks(
  batch: BatchShards,
  { runId, step, shards }: BatchRun,
  tools: ReductionTools,
  group?: GroupTerms,
) {
  const total = batch.reduce((sum, { count }) => sum + count, 0)
  const groupOrder = group && { id: group.id, learningRate: group.learningRate, total }
  const used = new Set<Float32Array>()
  const giveBack = (vector: Float32Array) => {
    used.delete(vector)
    tools.vectors.giveBack(vector)
  }
  // A group's mean is not sent by the coordinator, unless the group ends.
  const takeMeanVector = () => (group === undefined ? tools.meanVector(step) : null)
  const reduction = createTreeReduction({
    arithmetic: tools.arithmetic,
    shards,
    total,
    onSpent: giveBack,
    takeMeanVector,
  })
  const voteTools = { ...tools, reduction, used }
  const tasks = batch.map(({ shard, count, read }): SendableTask<Answer> => {
    const isAudited = tools.audit.isDrawn(step, shard)
    return {
      key: workKey(step, shard),
      step,
      index: shard,
      kind: 'gradient',
      samples: count,
      order: { type: 'work', runId, step, shard, count, ...(groupOrder && { group: groupOrder }) },
      tensors: room => read(room as Samples | undefined),
      findFault: ({ message }) => {
        if (message.type === 'contribution') {
          if (group === undefined) return 'a contribution to a task without a group'
          if (group.isOver()) return 'a contribution to a group that is over'
        }
        return findFigureFault(message, count)
      },
      votesNeeded: isAudited ? 2 : 1,
      readVote: answer => (isAudited ? keepGradient : addGradient)(answer, voteTools),
    }
  })
  const reduce = (answers: readonly Answer[]): BatchResult => ({
    gradient: reduction.result(),
    ...sumAnswers(answers),
    shares: answers.map(shareOf),
  })
  return { tasks, total, reduce, release: () => used.forEach(giveBack) }
}

export function shareOf({ workerId, message }: Answer): Share {
  return { workerId, samples: message.count }
}

function sumAnswers(answers: readonly Answer[]): Pick<BatchResult, 'lossSum' | 'correct' | 'count'> {
  let [lossSum, correct, count] = [0, 0, 0]
  for (const { message } of answers) {
    lossSum += message.lossSum
    correct += message.correct
    count += message.count
  }
  return { lossSum, correct, count }
}

export function workKey(step: number, shard: number): string {
  return `work:${step}:${shard}`
}
