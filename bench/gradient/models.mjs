// The nets that are measured.
import { buildModel, usePlainJavaScript } from '@lockstep/model'

await usePlainJavaScript()

const classes = 10

/** lockstep's presets that this checkout can build. */
export function presets() {
  return ['reference', 'resnet20', 'vgg-bn', 'mobilenet'].filter(canBuild)
}

/** A net's topology, from which the baselines build the same net, and the number of its weights, trainable or not. */
export function describeModel(name) {
  const model = buildModel(name, { classes, seed: 1 })
  const description = { name, classes, parameters: model.countParams(), topology: model.toJSON(null, false) }
  model.dispose()
  return description
}

function canBuild(name) {
  try {
    describeModel(name)
    return true
  } catch {
    return false
  }
}
