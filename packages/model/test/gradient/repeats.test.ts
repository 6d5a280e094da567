import { presetNames } from '@lockstep/protocol'
import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildModel } from '../../src/architectures/index.ts'
import { weightsSha256 } from '../../src/weights-hash.ts'
import { createEngines } from '../fixtures/compiled.ts'

beforeAll(useTensorFlow)

describe.each(['float32', 'bfloat16'] as const)('in %s', precision => {
  test.each(presetNames)('20 gradients of %s are bit-identical', async preset => {
    const { compiled, weights, samples } = createEngines(buildModel(preset, { classes: 10, seed: 1 }), precision)
    const { pixels, labels, keys } = samples(6)
    const hashes = new Set<string>()
    for (let repeat = 0; repeat < 20; repeat++) {
      const { gradient } = await compiled.gradient(weights.slice(), pixels, labels, keys)
      expect(gradient.every(Number.isFinite)).toBe(true)
      hashes.add(weightsSha256(gradient))
    }
    expect(hashes.size).toBe(1)
    compiled.dispose()
  })
})
