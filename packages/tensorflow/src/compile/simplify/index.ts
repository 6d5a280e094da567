import { type Rule, rewrite } from '../rewrite.ts'
import type { Trace } from '../trace.ts'
import { toBiasAdd, toBiasAddGrad } from './bias.ts'
import { toCrossEntropy, toCrossEntropyGradient, toLogSoftmax } from './cross-entropy.ts'
import { dropNeutralOperands, dropReshapesAndCasts } from './identities.ts'
import { toMatMul } from './mat-mul.ts'
import { toLeakyReluGrad, toReluGrad } from './relu-grad.ts'

const rules: readonly Rule[] = [
  dropReshapesAndCasts,
  dropNeutralOperands,
  toMatMul,
  toBiasAdd,
  toBiasAddGrad,
  toReluGrad,
  toLeakyReluGrad,
  toLogSoftmax,
  toCrossEntropy,
  toCrossEntropyGradient,
]

/** The same computation in operations that TensorFlow does faster than those that tfjs records. */
export function simplify(trace: Trace): Trace {
  return rewrite(trace, rules)
}
