import { type Arithmetic, createTreeReduction, type GradientFormat, type VectorPool } from '@lockstep/model/arithmetic'
import type { MessageOf } from '@lockstep/protocol'
import type { Audit } from '../audit/audit.ts'
import { addGradient, keepGradient } from '../audit/gradient-opinion.ts'
import type { Group } from '../direct/groups.ts'
import type { Exchange, SendableTask } from '../exchange.ts'
import type { Answer } from '../membership/answer.ts'
import type { StepTiming } from '../timing/step-timing.ts'
import type { BatchShards } from './batches.ts'
import { findFigureFault } from './figure-fault.ts'

/** What a global batch came to: the mean over its samples of what `ShardGradient` holds, and sums over them. */
export type BatchResult = {
  readonly gradient: Float32Array
  readonly lossSum: number
  readonly correct: number
  readonly count: number
  /** Who has computed how many of the samples: an entry for each shard. */
  readonly shares: readonly Share[]
  /** Whether all replicas have the mean already; without it, none has. */
  readonly isEverywhere?: () => boolean
}

/** What a worker has computed of a batch. */
export type Share = { readonly workerId: number; readonly samples: number }

/** A batch whose shards the workers have been asked for. Their gradients are added up as they come. */
export type PendingBatch = {
  /** Resolves with the whole when all shards are there. */
  readonly result: Promise<BatchResult>
  /** The workers that exchange its gradients among themselves; null for those that come to the coordinator. */
  readonly group: Group | null
  /** Gives the vectors back that are still in use: the mean gradient of the result lies in one of them. */
  readonly release: () => void
}

/** Where and how the gradients of shards are added up, and in what form they come. */
export type ReductionTools = {
  readonly arithmetic: Arithmetic
  readonly vectors: VectorPool
  readonly format: GradientFormat
  readonly audit: Audit
  /** False for a worker that has been found to compute wrongly. */
  readonly isTrusted: (workerId: number) => boolean
  readonly timing: Pick<StepTiming, 'enter'>
}

type GroupOrder = NonNullable<MessageOf<'work'>['group']>

/** What the workers that exchange a batch are told of it, and whether none of them may contribute to it any more. */
type GroupTerms = Omit<GroupOrder, 'total'> & { readonly isOver: () => boolean }

export type BatchRun = { readonly runId: string; readonly step: number; readonly shards: number }

/**
 * Asks the workers for the gradients of a batch's shards: the mean comes by the fixed tree, the sums in the order of the shards.
 * When one that took part is found to compute wrongly before all are there, what it has computed beside has been added
 * up with the rest; all of them are then asked for anew.
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

/** A batch that is sent ahead can fail before anyone awaits it; whoever comes to await it hears of it then. */
export function pendingBatch(batch: PendingBatch): PendingBatch {
  batch.result.catch(() => undefined)
  return batch
}

/** The tasks of a batch, and what their gradients come to, which are added up as they come. */
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
  const reduction = createTreeReduction({ arithmetic: tools.arithmetic, shards, total, onSpent: giveBack })
  const hearing = { ...tools, reduction, used }
  const tasks = batch.map(({ shard, count, read }): SendableTask<Answer> => {
    const isAudited = tools.audit.isDrawn(step, shard)
    return {
      key: workKey(step, shard),
      step,
      index: shard,
      kind: 'gradient',
      samples: count,
      order: { type: 'work', runId, step, shard, count, ...(groupOrder && { group: groupOrder }) },
      tensors: read,
      findFault: ({ message }) => {
        if (message.type === 'contribution') {
          if (group === undefined) return 'a contribution to a group that is none'
          if (group.isOver()) return 'a contribution to a group that is over'
        }
        return findFigureFault(message, count)
      },
      voices: isAudited ? 2 : 1,
      hear: answer => (isAudited ? keepGradient : addGradient)(answer, hearing),
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
