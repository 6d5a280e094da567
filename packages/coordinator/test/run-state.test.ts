import { decodeCheckpoint, encodeCheckpoint } from '@lockstep/model'
import { createArithmetic, plainArithmetic } from '@lockstep/model/arithmetic'
import { describe, expect, test } from 'vitest'
import { encodeState, freshState, resumeState, startPosition } from '../src/run-state.ts'
import { epochWith } from './support/epoch-metrics.ts'
import { savedState, tinyPlan, tinyState } from './support/tiny-plan.ts'

const { identity } = tinyPlan()

/** A state in the middle of its second epoch. */
function someState() {
  const state = tinyState()
  state.step = 6
  state.position = { epoch: 2, batch: 2, lossSum: 12.5, correct: 9, count: 20 }
  state.history = { epochs: [epochWith(1)], trainSeconds: 1.5, measuredSamples: 3, measuredSeconds: 0.25 }
  state.optimizer = { step: 6, moments: state.optimizer.moments.map(moment => moment.fill(0.5)), powers: [0.53, 0.99] }
  return state
}

describe('a state', () => {
  test('starts before the first batch of the first epoch', () => {
    const { step, position, history } = freshState(new Float32Array(1), { step: 0, moments: [], powers: [] })
    expect([step, position]).toEqual([0, { epoch: 1, batch: 0, lossSum: 0, correct: 0, count: 0 }])
    expect(history).toEqual({ epochs: [], trainSeconds: 0, measuredSamples: 0, measuredSeconds: 0 })
    expect(startPosition(3)).toMatchObject({ epoch: 3, batch: 0, count: 0 })
  })

  test('is restored in full from a checkpoint', () => {
    const state = someState()
    expect(savedState(encodeState(identity, state))).toEqual(state)
  })

  test('is restored into the memory of the arithmetic', () => {
    const arithmetic = createArithmetic({ capacityBytes: 65_536, kind: 'wasm' })
    const checkpoint = decodeCheckpoint(encodeState(identity, someState()))
    const { weights, optimizer } = resumeState(checkpoint, identity.dataSha256, arithmetic)
    const { buffer } = arithmetic.allocate(1)
    for (const vector of [weights, ...optimizer.moments]) expect(vector.buffer).toBe(buffer)
  })

  test('is encoded as a copy that later changes do not affect', () => {
    const state = someState()
    const bytes = encodeState(identity, state)
    state.weights.fill(9)
    state.history.trainSeconds = 99
    expect(savedState(bytes)).toEqual(someState())
  })

  test('is encoded with the identity of its run', () => {
    expect(decodeCheckpoint(encodeState(identity, someState()))).toMatchObject(identity)
  })
})

describe('a checkpoint is refused', () => {
  test('when it is of another data set', () => {
    const checkpoint = decodeCheckpoint(encodeState(identity, someState()))
    expect(() => resumeState(checkpoint, '9'.repeat(64), plainArithmetic)).toThrow(
      expect.objectContaining({
        code: 'resume-mismatch',
        kind: 'usage',
        message: 'the run to resume was trained with another data set',
      }),
    )
  })

  test('when it is damaged', () => {
    const bytes = encodeState(identity, someState())
    bytes[bytes.length - 40]! ^= 1
    expect(() => savedState(bytes)).toThrow(expect.objectContaining({ code: 'checkpoint-corrupt' }))
  })

  test('when its history is invalid', () => {
    const checkpoint = decodeCheckpoint(encodeState(identity, someState()))
    const bytes = encodeCheckpoint({ ...checkpoint, progress: { epochs: 'many' } })
    expect(() => savedState(bytes)).toThrow(
      expect.objectContaining({ code: 'checkpoint-invalid', received: expect.stringContaining('epochs') }),
    )
  })
})
