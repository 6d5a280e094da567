import type { RunPlan } from '@lockstep/coordinator'
import type { ReferenceRun } from '../model/reference-run.ts'
import { sampleNumber, trainableSize, trainSamples } from '../model/tiny-model.ts'
import { Violation } from '../violation.ts'

/**
 * Checks that each sample of a step has counted in it once and no other sample has, and that the coordinator's weights
 * and moments are those of the undisturbed run.
 */
export function checkState(reference: ReferenceRun, { state }: RunPlan): void {
  const { step, weights, optimizer } = state
  const expected = reference.states[step]
  if (expected === undefined)
    throw new Violation(`the coordinator is at step ${step} of ${reference.states.length - 1}`)
  checkWeights(reference, weights, step, 'the coordinator')
  for (const [index, moment] of optimizer.moments.entries()) {
    if (isSame(moment, expected.moments[index]!)) continue
    throw new Violation(`the coordinator's moments ${index} at step ${step} are not those of the undisturbed run`)
  }
  if (`${optimizer.powers}` !== `${expected.powers}`) {
    throw new Violation(`the coordinator's powers at step ${step} are ${optimizer.powers}, not ${expected.powers}`)
  }
}

/** Checks that weights are those of the undisturbed run at that step. */
export function checkWeights(reference: ReferenceRun, weights: Float32Array, step: number, whose: string): void {
  const expected = reference.states[step]?.weights
  if (expected !== undefined && isSame(weights, expected)) return
  throw new Violation(
    describeLedger(reference, weights, step, whose) ??
      `the weights of ${whose} at step ${step} are not those of the undisturbed run`,
  )
}

/** Checks that a gradient is computed with the weights of the step whose batch its samples belong to. */
export function checkComputation(
  reference: ReferenceRun,
  weights: Float32Array,
  pixels: Uint8Array,
  whose: string,
): void {
  const step = reference.states.findIndex(state => isSame(weights, state.weights))
  if (step < 0) throw new Violation(`${whose} computes with weights that no step of the undisturbed run has`)
  const sample = sampleNumber(pixels, 0)
  if (reference.batches[step]?.includes(sample) === true) return
  throw new Violation(`${whose} computes sample ${sample} with the weights of step ${step}, which does not have it`)
}

/** Describes what is wrong according to the ledger; null where it is correct. */
function describeLedger(reference: ReferenceRun, weights: Float32Array, step: number, whose: string): string | null {
  const before = reference.states[step - 1]?.weights
  const batch = reference.batches[step - 1]
  if (before === undefined || batch === undefined) return null
  const counted = Array.from({ length: trainSamples }, (_, sample) => {
    const at = trainableSize + sample
    return (weights[at]! - before[at]!) * batch.length
  })
  const wrong = counted.flatMap((times, sample) => {
    const expected = batch.includes(sample) ? 1 : 0
    return Math.abs(times - expected) < 0.02
      ? []
      : [`sample ${sample} ${times.toFixed(2)} times instead of ${expected}`]
  })
  return wrong.length === 0 ? null : `in step ${step - 1} of ${whose} there counted ${wrong.slice(0, 4).join(', ')}`
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (!Object.is(a[at], b[at])) return false
  return true
}
