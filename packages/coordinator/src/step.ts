import { encodeMessage } from '@lockstep/protocol'
import type { EpochBatches } from './batches.ts'
import type { Exchange, SendableTask } from './exchange.ts'
import type { Answer } from './membership.ts'
import { reduceGradients } from './reduction.ts'

/** What a global batch came to: the mean over its samples of what `ShardGradient` holds, and sums over them. */
export type BatchResult = {
  readonly gradient: Float32Array
  readonly lossSum: number
  readonly correct: number
  readonly count: number
}

/** Asks the workers for the gradients of a batch's shards; the answers come in the order of the shards. */
export function submitBatch(
  exchange: Exchange<Answer>,
  batches: EpochBatches,
  batch: number,
  run: { readonly runId: string; readonly step: number },
): Promise<readonly Answer[]> {
  const { runId, step } = run
  const tasks = batches.shards(batch).map(
    ({ shard, count, read }): SendableTask<Answer> => ({
      key: workKey(step, shard),
      step,
      index: shard,
      kind: 'gradient',
      samples: count,
      encode: () => {
        const { pixels, labels, keys } = read()
        return encodeMessage({ type: 'work', runId, step, shard, count }, { pixels, labels, keys })
      },
      findFault: ({ message }) => (message.count === count ? null : `${message.count} samples instead of ${count}`),
    }),
  )
  const answers = Promise.all(tasks.map(exchange.submit))
  // A batch that is sent ahead can fail before anyone awaits it; whoever comes to await it hears of it then.
  answers.catch(() => undefined)
  return answers
}

/** The all-reduce: mean gradient by the fixed tree, losses and hits summed in the order of the shards. */
export function combineShards(answers: readonly Answer[], shards: number): BatchResult {
  const gradients = new Array<{ gradient: Float32Array; count: number } | null>(shards).fill(null)
  let [lossSum, correct, count] = [0, 0, 0]
  for (const { message, tensors } of answers) {
    if (message.type !== 'gradient') throw new TypeError(`a ${message.type} message among gradients`)
    gradients[message.shard] = { gradient: tensors.gradient as Float32Array, count: message.count }
    lossSum += message.lossSum
    correct += message.correct
    count += message.count
  }
  return { gradient: reduceGradients(gradients), lossSum, correct, count }
}

export function workKey(step: number, shard: number): string {
  return `work:${step}:${shard}`
}
