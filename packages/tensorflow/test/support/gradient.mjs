// Loads the backend of argument 1, the result of provisioning, and prints as JSON the backend and a SHA-256 of the
// gradient of a small ConvNet.
import { createHash } from 'node:crypto'
import { loadTensorFlow } from '@lockstep/tensorflow'
import * as tf from '@tensorflow/tfjs'

const { backend, description } = await loadTensorFlow(JSON.parse(process.argv[2]))
const seeded = seed => tf.initializers.glorotUniform({ seed })
const model = tf.sequential({
  layers: [
    tf.layers.conv2d({ inputShape: [16, 16, 3], filters: 16, kernelSize: 3, kernelInitializer: seeded(1) }),
    tf.layers.reLU(),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 10, kernelInitializer: seeded(2) }),
  ],
})
const images = tf.tensor4d(
  Float32Array.from({ length: 50 * 16 * 16 * 3 }, (_, i) => Math.sin(i)),
  [50, 16, 16, 3],
)
const labels = tf.oneHot(
  tf.tensor1d(
    Array.from({ length: 50 }, (_, i) => i % 10),
    'int32',
  ),
  10,
)
const { grads } = tf.variableGrads(() => tf.losses.softmaxCrossEntropy(labels, model.predict(images)))
const hash = createHash('sha256')
for (const name of Object.keys(grads).sort()) hash.update(new Uint8Array((await grads[name].data()).buffer))
process.stdout.write(
  JSON.stringify({ backend, description, computedOn: tf.getBackend(), gradient: hash.digest('hex') }),
)
