import { type Rule, rewrite } from '../rewrite.ts'
import type { Trace } from '../trace.ts'
import { addBiasesLast, toBiasAdd, toBiasAddGrad } from './bias.ts'
import { toCrossEntropy, toCrossEntropyGradient, toLogSoftmax } from './cross-entropy.ts'
import { dropNeutralOperands, dropReshapesAndCasts } from './identities.ts'
import { toMatMul } from './mat-mul.ts'
import { pullBiasAddGradThroughPool, pullReluGradThroughPool } from './max-pool-grad.ts'
import { toLeakyReluGrad, toReluGrad } from './relu-grad.ts'

const rules: readonly Rule[] = [
  dropReshapesAndCasts,
  dropNeutralOperands,
  toMatMul,
  toBiasAdd,
  addBiasesLast,
  toBiasAddGrad,
  toReluGrad,
  toLeakyReluGrad,
  toLogSoftmax,
  toCrossEntropy,
  toCrossEntropyGradient,
]

/** These apply to the results of the other rules. */
const poolingRules: readonly Rule[] = [pullReluGradThroughPool, pullBiasAddGradThroughPool]

/** Rewrites a trace with operations that TensorFlow executes faster than those that tfjs records. */
export function simplify(trace: Trace): Trace {
  return rewrite(rewrite(trace, rules), poolingRules)
}
