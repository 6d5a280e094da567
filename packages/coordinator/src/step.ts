import { type Arithmetic, createTreeReduction, type GradientFormat } from '@lockstep/model/arithmetic'
import type { BatchShards } from './batches.ts'
import type { Exchange, SendableTask } from './exchange.ts'
import type { Answer } from './membership.ts'
import type { VectorPool } from './vector-pool.ts'

/** What a global batch came to: the mean over its samples of what `ShardGradient` holds, and sums over them. */
export type BatchResult = {
  readonly gradient: Float32Array
  readonly lossSum: number
  readonly correct: number
  readonly count: number
}

/** A batch whose shards the workers have been asked for. Their gradients are added up as they come. */
export type PendingBatch = {
  /** Resolves with the whole when all shards are there. */
  readonly result: Promise<BatchResult>
  /** Gives the vectors back in which the gradients came: the mean gradient of the result lies in one of them. */
  readonly release: () => void
}

/** Where and how the gradients of shards are added up, and in what form they come. */
export type ReductionTools = {
  readonly arithmetic: Arithmetic
  readonly vectors: VectorPool
  readonly format: GradientFormat
}

/** Asks the workers for the gradients of a batch's shards: the mean comes by the fixed tree, the sums in the order of the shards. */
export function submitBatch(
  exchange: Exchange<Answer>,
  batch: BatchShards,
  run: { readonly runId: string; readonly step: number; readonly shards: number },
  { arithmetic, vectors, format }: ReductionTools,
): PendingBatch {
  const { runId, step, shards } = run
  const total = batch.reduce((sum, { count }) => sum + count, 0)
  const reduction = createTreeReduction({ arithmetic, shards, total })
  const used: Float32Array[] = []
  const tasks = batch.map(
    ({ shard, count, read }): SendableTask<Answer> => ({
      key: workKey(step, shard),
      step,
      index: shard,
      kind: 'gradient',
      samples: count,
      order: { type: 'work', runId, step, shard, count },
      tensors: read,
      findFault: ({ message }) => (message.count === count ? null : `${message.count} samples instead of ${count}`),
      take: ({ readGradient }) => {
        const gradient = vectors.take()
        used.push(gradient)
        format.receive(readGradient, gradient)
        reduction.add(shard, gradient, count)
      },
    }),
  )
  const result = Promise.all(tasks.map(exchange.submit)).then(answers => ({
    gradient: reduction.result(),
    ...sumAnswers(answers),
  }))
  // A batch that is sent ahead can fail before anyone awaits it; whoever comes to await it hears of it then.
  result.catch(() => undefined)
  return { result, release: () => used.forEach(vectors.giveBack) }
}

function sumAnswers(answers: readonly Answer[]): Omit<BatchResult, 'gradient'> {
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
