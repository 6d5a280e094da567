import { dataTypeNumbers } from './attributes.ts'
import { type ConstantData, uniformValue } from './constant.ts'
import { type Attribute, type GraphNode, reachable, type TensorType, type Value } from './graph.ts'
import { savedModelType } from './saved-model-schema.ts'
import type { Trace } from './trace.ts'

/** The graph version that TensorFlow 2.9 writes; later releases read it too. */
const graphVersion = { producer: 1087, minConsumer: 12 }

export const savedModelTag = 'serve'

/** The file name of a SavedModel, prescribed by TensorFlow. */
export const savedModelFile = 'saved_model.pb'

/**
 * Encodes a trace as a SavedModel: one graph without variables, and one signature. The inputs keep their names; the
 * outputs get the given names, or else `output0`, `output1`, …
 */
export function encodeSavedModel({ inputs, outputs }: Trace, outputNames: readonly string[] = []): Uint8Array {
  const nodes = reachable([...inputs, ...outputs])
  const nameOf = (value: Value) => `${nodeName(value.node)}:${value.index}`
  const signature = {
    methodName: 'tensorflow/serving/predict',
    inputs: Object.fromEntries(inputs.map(value => [nodeName(value.node), tensorInfo(value, nameOf(value))])),
    outputs: Object.fromEntries(
      outputs.map((value, index) => [outputNames[index] ?? `output${index}`, tensorInfo(value, nameOf(value))]),
    ),
  }
  const metaGraph = {
    metaInfoDef: { tags: [savedModelTag] },
    graphDef: { node: nodes.map(node => nodeDef(node, nameOf)), versions: graphVersion },
    signatureDef: { serving_default: signature },
  }
  const message = savedModelType.fromObject({ savedModelSchemaVersion: 1, metaGraphs: [metaGraph] })
  return savedModelType.encode(message).finish()
}

/** The names of a SavedModel's outputs in its graph, such as `Concat_70:0`, in order. */
export function readOutputNames(bytes: Uint8Array): readonly string[] {
  const { metaGraphs } = savedModelType.toObject(savedModelType.decode(bytes)) as DecodedSavedModel
  const { outputs } = metaGraphs[0]!.signatureDef.serving_default!
  return Object.keys(outputs).map((_, index) => outputs[`output${index}`]!.name)
}

type DecodedSavedModel = {
  readonly metaGraphs: readonly {
    readonly signatureDef: Readonly<
      Record<string, { readonly outputs: Readonly<Record<string, { readonly name: string }>> }>
    >
  }[]
}

function nodeName({ op, id, attributes }: GraphNode): string {
  return op === 'Placeholder' ? String(attributes._name!.value) : `${op}_${id}`
}

function nodeDef(node: GraphNode, nameOf: (value: Value) => string) {
  const attr = Object.entries(node.attributes).map(([name, attribute]) => [name, attrValue(attribute)])
  return { name: nodeName(node), op: node.op, input: node.inputs.map(nameOf), attr: Object.fromEntries(attr) }
}

function attrValue(attribute: Attribute) {
  switch (attribute.kind) {
    case 'type':
      return { type: dataTypeNumbers[attribute.value] }
    case 'int':
      return { i: attribute.value }
    case 'float':
      return { f: attribute.value }
    case 'bool':
      return { b: attribute.value }
    case 'string':
      return { s: Buffer.from(attribute.value) }
    case 'ints':
      return { list: { i: attribute.value } }
    case 'floats':
      return { list: { f: attribute.value } }
    case 'shape':
      return { shape: shapeProto(attribute.value) }
    case 'tensor':
      return { tensor: tensorProto(attribute.value) }
  }
}

function tensorInfo({ dtype, shape }: TensorType, name: string) {
  return { name, dtype: dataTypeNumbers[dtype], tensorShape: shapeProto(shape) }
}

function shapeProto(shape: readonly number[]) {
  return { dim: shape.map(size => ({ size })) }
}

function tensorProto(data: ConstantData) {
  const { dtype, shape, values } = data
  const type = { dtype: dataTypeNumbers[dtype], tensorShape: shapeProto(shape) }
  if (uniformValue(data) === undefined) {
    return { ...type, tensorContent: Buffer.from(values.buffer, values.byteOffset, values.byteLength) }
  }
  // TensorFlow fills the shape if there is a single value.
  const field = { float32: 'floatVal', int32: 'intVal', bool: 'boolVal' }[dtype]
  return { ...type, [field]: dtype === 'bool' ? [values[0] === 1] : [...values] }
}
