/** A net that cannot be compiled to a graph: its embedding reads the values of the pixels. */
export default ({ tf, classes, inputShape }) =>
  tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape }),
      tf.layers.embedding({ name: 'words', inputDim: 256, outputDim: 2 }),
      tf.layers.globalAveragePooling1d({}),
      tf.layers.dense({ name: 'classes', units: classes, activation: 'softmax' }),
    ],
  })
