import { expect, test } from 'vitest'
import { modelIdentity } from '../../src/gradient/model-identity.ts'
import { createLayout } from '../../src/layout.ts'
import { tf } from '../../src/tfjs.ts'

const inputShape = [4]

/** Two classes with the same name and configuration but different code. */
const twice = () =>
  class Scale extends tf.layers.Layer {
    static className = 'Scale'
    override call = (x: tf.Tensor | tf.Tensor[]) => tf.mul([x].flat()[0]!, 2)
  }
const thrice = () =>
  class Scale extends tf.layers.Layer {
    static className = 'Scale'
    override call = (x: tf.Tensor | tf.Tensor[]) => tf.mul([x].flat()[0]!, 3)
  }

function identityOf(layer: tf.layers.Layer): string {
  const outputs = tf.layers.dense({ name: 'outputs', units: 2, inputShape })
  const model = tf.sequential({ name: 'outer', layers: [layer, outputs] })
  return modelIdentity(model, createLayout(model))
}

const alone = (Scale: ReturnType<typeof twice>) => new Scale({ name: 'scale', inputShape })
const nested = (Scale: ReturnType<typeof twice>) => tf.sequential({ name: 'inner', layers: [alone(Scale)] })

test.each([
  ['the model', alone],
  ['a nested model', nested],
])('the identity depends on the code of a layer in %s', (_, build) => {
  expect(identityOf(build(twice()))).toBe(identityOf(build(twice())))
  expect(identityOf(build(thrice()))).not.toBe(identityOf(build(twice())))
})
