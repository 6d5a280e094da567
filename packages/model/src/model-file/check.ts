import { LockstepError } from '@lockstep/protocol'
import { checkDilations } from '../gradient/check-dilations.ts'
import { createLogits } from '../gradient/logits.ts'
import { createLayout } from '../layout.ts'
import { checkRandomLayers } from '../random/check-random-layers.ts'
import { tf } from '../tfjs.ts'
import type { FileOptions } from './build.ts'
import { checkConstraints } from './check-constraints.ts'
import { checkRegularizers } from './check-regularizers.ts'
import { usageFault } from './usage-fault.ts'

/**
 * Checks that the value returned by a model file can be trained on images of `inputShape` with `classes` classes.
 *
 * @throws LockstepError `model-returned` if it is not a LayersModel of lockstep's tfjs; `model-input`, `model-output`,
 * `model-no-softmax`, `model-not-trainable`, `random-layer`, `model-dilation`, `model-constraint`, `model-regularizer`
 * and `layout-duplicate-name`.
 */
export function checkModel(
  model: unknown,
  { classes, inputShape }: Pick<FileOptions, 'classes' | 'inputShape'>,
): asserts model is tf.LayersModel {
  if (!(model instanceof tf.LayersModel)) throw notAModel(model)
  requireShape('input', model.inputs, [null, ...inputShape], 'Give the first layer `inputShape`.')
  requireShape('output', model.outputs, [null, classes], 'End with as many units as `classes` says.')
  if (model.trainableWeights.length === 0) {
    throw new LockstepError('model-not-trainable', 'the model has no weights to train', {
      kind: 'usage',
      expected: 'at least one trainable weight',
      received: `${model.weights.length}, none of them trainable`,
      hint: 'Leave `trainable` of at least one layer with weights true.',
    })
  }
  checkRandomLayers(model)
  checkDilations(model)
  checkConstraints(model)
  checkRegularizers(model)
  withUsageFaults(() => createLogits(model))
  withUsageFaults(() => createLayout(model))
}

function requireShape(
  end: 'input' | 'output',
  tensors: readonly tf.SymbolicTensor[] | undefined,
  expected: readonly (number | null)[],
  hint: string,
): void {
  const describe = (shape: readonly (number | null)[]) => `[${shape.map(size => size ?? 'null').join(', ')}]`
  const received = (tensors ?? []).map(({ shape }) => describe(shape)).join(' and ') || 'none'
  if (received === describe(expected)) return
  const details = { kind: 'usage', expected: describe(expected), received, hint } as const
  throw new LockstepError(`model-${end}`, `the model has the wrong ${end} shape`, details)
}

function notAModel(returned: unknown): LockstepError {
  const className = Object.getPrototypeOf(Object(returned))?.constructor?.name
  return new LockstepError('model-returned', 'the function does not return a model', {
    kind: 'usage',
    expected: 'a tf.LayersModel',
    received: returned === null || returned === undefined ? String(returned) : `${className}`,
    hint: 'Return what tf.sequential or tf.model gives, with the tf that the function gets.',
  })
}

function withUsageFaults(check: () => unknown): void {
  try {
    check()
  } catch (error) {
    throw usageFault(error)
  }
}
