import { LockstepError, maxTopologyLength, reasonOf } from '@lockstep/protocol'
import { tf } from './tfjs.ts'

type Class = ReturnType<typeof tf.serialization.SerializationMap.getMap>['classNameMap'][string][0]

/** The classes that tfjs itself registers, recorded before a model file can register its own. */
const standardClasses: ReadonlyMap<string, Class> = new Map(registeredClasses())

/**
 * The layers of a model and their connections, without weights, as tfjs writes them into `model.json`.
 *
 * @throws LockstepError `model-custom-class` if a layer, an activation or another part has a class that is not part of
 * tfjs, which workers do not have; `model-too-large` if the text is longer than a message may be.
 */
export function toTopology(model: tf.LayersModel): string {
  const topology = JSON.stringify(model.toJSON(null, false))
  refuseCustomClasses(topology)
  if (topology.length <= maxTopologyLength) return topology
  throw new LockstepError('model-too-large', 'the model has too many layers to be sent to workers', {
    kind: 'usage',
    expected: `at most ${maxTopologyLength} characters of JSON`,
    received: `${topology.length}`,
  })
}

/**
 * Builds the model of a topology with fresh weights from the seeds of its initializers.
 *
 * @throws LockstepError `model-topology` if tfjs cannot read it.
 */
export async function fromTopology(topology: string): Promise<tf.LayersModel> {
  try {
    return await tf.models.modelFromJSON(JSON.parse(topology) as tf.io.ModelJSON)
  } catch (cause) {
    throw new LockstepError('model-topology', 'the model cannot be built from its description', {
      expected: 'layers as tfjs writes them into model.json and can read again',
      received: reasonOf(cause),
      hint: 'Use the same version of lockstep everywhere, and in a model file what tfjs can write and read.',
      cause,
    })
  }
}

/** The keys under which a topology names a class: of a layer, initializer or other part, or an activation. */
const classKeys = new Set(['class_name', 'activation', 'recurrent_activation'])

function refuseCustomClasses(topology: string): void {
  const registered = new Map(registeredClasses())
  JSON.parse(topology, (key, value: unknown) => {
    if (!classKeys.has(key) || typeof value !== 'string') return value
    const name = key === 'class_name' ? value : activationName(value, registered)
    const standard = standardClasses.get(name)
    if (standard === undefined || standard !== registered.get(name)) throw customClass(name)
    return value
  })
}

/** The name under which an activation is registered: tfjs registers `hardSigmoid` but writes `hard_sigmoid`. */
function activationName(written: string, registered: ReadonlyMap<string, Class>): string {
  if (registered.has(written)) return written
  return written.replace(/_+(\w)/g, (_, letter: string) => letter.toUpperCase())
}

function registeredClasses(): [name: string, own: Class][] {
  const { classNameMap } = tf.serialization.SerializationMap.getMap()
  return Object.entries(classNameMap).map(([name, [own]]) => [name, own])
}

function customClass(name: string): LockstepError {
  return new LockstepError('model-custom-class', `the model uses the class ${name}, which workers do not have`, {
    kind: 'usage',
    expected: 'layers, activations, initializers and regularizers of tfjs itself',
    received: name,
    hint: 'Workers build the model from its description alone: put it together from the layers and activations of tfjs.',
  })
}
