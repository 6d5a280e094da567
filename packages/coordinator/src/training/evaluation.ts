import { type ImageSplit, imageBytes } from '@lockstep/data'
import { weightsSha256 } from '@lockstep/model'
import { isSoundLoss } from '@lockstep/model/arithmetic'
import { voteWithoutData } from '../audit/vote.ts'
import type { Exchange, SendableTask } from '../exchange.ts'
import type { Answer } from '../membership/answer.ts'
import { unlessDiverged } from './divergence.ts'
import { findFigureFault } from './figure-fault.ts'
import { awaitQuorum } from './quorum.ts'
import type { Training } from './setup.ts'

/** Samples per chunk of an evaluation. Fixed, so that the sums do not depend on which worker computes them. */
export const evaluationChunk = 250

/** Mean loss and accuracy of a split under the current weights. Throws `diverged` when a loss is not finite. */
export async function evaluate(
  run: Training,
  split: ImageSplit,
  phase: 'validating' | 'testing',
): Promise<{ loss: number; accuracy: number }> {
  await awaitQuorum(run, phase)
  const { runId, state, exchange } = run
  const { step, weights } = state
  const figures = evaluateSplit(exchange, split, { runId, step, weightsSha256: weightsSha256(weights) })
  return unlessDiverged(run, step, figures)
}

/** The weights under which a split is evaluated: those after `step` steps. */
type EvaluationRun = { readonly runId: string; readonly step: number; readonly weightsSha256: string }

/**
 * Mean loss and accuracy of a split under the weights of `step`. Chunks are spread over the workers and summed in
 * order.
 */
export async function evaluateSplit(
  exchange: Exchange<Answer>,
  split: ImageSplit,
  run: EvaluationRun,
): Promise<{ readonly loss: number; readonly accuracy: number }> {
  const chunks = Array.from({ length: Math.ceil(split.count / evaluationChunk) }, (_, chunk) => chunk)
  const answers = await Promise.all(exchange.submitAll(chunks.map(chunk => chunkTask(split, chunk, run))))
  let [lossSum, correct] = [0, 0]
  for (const { message } of answers) {
    lossSum += message.lossSum
    correct += message.correct
  }
  return { loss: lossSum / split.count, accuracy: correct / split.count }
}

function chunkTask(split: ImageSplit, chunk: number, run: EvaluationRun): SendableTask<Answer> {
  const { runId, step, weightsSha256 } = run
  const start = chunk * evaluationChunk
  const count = Math.min(evaluationChunk, split.count - start)
  return {
    key: evaluateKey(step, chunk),
    step,
    index: chunk,
    kind: 'evaluation',
    samples: count,
    order: { type: 'evaluate', runId, step, chunk, count },
    tensors: () => ({
      pixels: split.pixels.subarray(start * imageBytes, (start + count) * imageBytes),
      labels: split.labels.subarray(start, start + count),
    }),
    findFault: ({ message }) => {
      const fault = findFigureFault(message, count)
      if (fault !== null) return fault
      const drifted = message.type === 'metrics' && message.weightsSha256 !== weightsSha256
      return drifted ? `its replica has drifted: its weights at step ${step} are not the coordinator's` : null
    },
    readVote: ({ message }) => voteWithoutData(isSoundLoss(message.lossSum, count)),
  }
}

export function evaluateKey(step: number, chunk: number): string {
  return `evaluate:${step}:${chunk}`
}
