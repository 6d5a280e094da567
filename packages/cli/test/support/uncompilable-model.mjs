/** A net that no graph can be made of: an embedding reads its pixels as they are. */
export default ({ tf, classes, inputShape }) =>
  tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape }),
      tf.layers.embedding({ name: 'words', inputDim: 256, outputDim: 2 }),
      tf.layers.globalAveragePooling1d({}),
      tf.layers.dense({ name: 'classes', units: classes, activation: 'softmax' }),
    ],
  })
