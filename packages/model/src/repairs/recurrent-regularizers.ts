import * as tf from '@tensorflow/tfjs'

type Arguments = { readonly activityRegularizer?: unknown }

const makers = ['simpleRNN', 'lstm', 'gru', 'convLstm2d'] as const
const classNames = ['SimpleRNN', 'LSTM', 'GRU', 'ConvLSTM2D'] as const

/**
 * Makes recurrent layers keep their activity regularizer, however they are created. tfjs drops it there, while for any
 * other layer with one it refuses to compute.
 */
export function keepRecurrentRegularizers(): void {
  const layers = tf.layers as unknown as Record<string, (given: Arguments) => object>
  for (const name of makers) {
    const make = layers[name]!
    layers[name] = given => keep(make(given), given)
  }
  const { classNameMap } = tf.serialization.SerializationMap.getMap()
  for (const name of classNames) {
    const entry = classNameMap[name]!
    const [, fromConfig] = entry
    entry[1] = (own, config) => keep(fromConfig(own, config), config)
  }
}

function keep<L extends object>(layer: L, given: Arguments | undefined): L {
  if (!given?.activityRegularizer) return layer
  return Object.assign(layer, { activityRegularizer: readRegularizer(given.activityRegularizer) })
}

/** Reads a name, a configuration or a regularizer as any other layer does. */
function readRegularizer(activityRegularizer: unknown): unknown {
  const given = { units: 1, activityRegularizer } as Parameters<typeof tf.layers.dense>[0]
  return (tf.layers.dense(given) as Arguments).activityRegularizer
}
