import type { ConstantData } from './constant.ts'
import { constantKey } from './constant.ts'

export type DataType = 'float32' | 'float64' | 'bfloat16' | 'int32' | 'uint8' | 'bool'

/** An attribute of a node, a subset of TensorFlow's AttrValue. */
export type Attribute =
  | { readonly kind: 'type'; readonly value: DataType }
  | { readonly kind: 'int' | 'float'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints' | 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'shape'; readonly value: readonly number[] }
  | { readonly kind: 'tensor'; readonly value: ConstantData }

export type Attributes = Readonly<Record<string, Attribute>>

export type TensorType = { readonly shape: readonly number[]; readonly dtype: DataType }

/** One output of a node. */
export type Value = TensorType & { readonly node: GraphNode; readonly index: number }

/** A TensorFlow operation with its inputs and attributes. */
export type GraphNode = {
  readonly id: number
  readonly op: string
  readonly inputs: readonly Value[]
  readonly attributes: Attributes
  readonly outputs: readonly Value[]
  /** The part of the model that it belongs to, for messages: `layer conv1`, or empty. */
  readonly origin: string
}

export type NodeSpec = Pick<GraphNode, 'op' | 'inputs' | 'attributes'> & {
  readonly outputs: readonly TensorType[]
  readonly origin?: string
}

/** A graph to which nodes are only added: every node comes after its inputs. */
export type Graph = {
  readonly nodes: readonly GraphNode[]
  /** Adds a node, or returns an existing one with the same operation, inputs and attributes (common subexpressions). */
  readonly add: (spec: NodeSpec) => GraphNode
  /** The existing node that `add` would return, if any. */
  readonly find: (spec: Pick<NodeSpec, 'op' | 'inputs' | 'attributes'>) => GraphNode | undefined
  /** Adds a node with one output and returns this output. */
  readonly apply: (op: string, inputs: readonly Value[], attributes: Attributes, output: TensorType) => Value
  readonly constant: (data: ConstantData) => Value
}

export function createGraph(): Graph {
  const nodes: GraphNode[] = []
  const known = new Map<string, GraphNode>()

  function add(spec: NodeSpec): GraphNode {
    const key = keyOf(spec)
    const existing = known.get(key)
    if (existing !== undefined) return existing
    const outputs: Value[] = []
    const node = { ...spec, id: nodes.length, origin: spec.origin || originOf(spec.inputs), outputs }
    for (const [index, { shape, dtype }] of spec.outputs.entries()) outputs.push({ node, index, shape, dtype })
    nodes.push(node)
    known.set(key, node)
    return node
  }

  function apply(op: string, inputs: readonly Value[], attributes: Attributes, output: TensorType): Value {
    return add({ op, inputs, attributes, outputs: [output] }).outputs[0]!
  }

  function constant(data: ConstantData): Value {
    const attributes: Attributes = {
      dtype: { kind: 'type', value: data.dtype },
      value: { kind: 'tensor', value: data },
    }
    return apply('Const', [], attributes, data)
  }

  return { nodes, add, find: spec => known.get(keyOf(spec)), apply, constant }
}

/** The values of a constant; undefined if the value is computed. */
export function constantData(value: Value): ConstantData | undefined {
  const attribute = value.node.op === 'Const' ? value.node.attributes.value : undefined
  return attribute?.kind === 'tensor' ? attribute.value : undefined
}

/** All nodes that the outputs depend on, each after its inputs. */
export function reachable(outputs: readonly Value[]): readonly GraphNode[] {
  const found = new Set<GraphNode>()
  const pending = outputs.map(({ node }) => node)
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (found.has(node)) continue
    found.add(node)
    pending.push(...node.inputs.map(input => input.node))
  }
  return [...found].sort((a, b) => a.id - b.id)
}

/** The origin for a node that was added without one: that of its first input that has one. */
function originOf(inputs: readonly Value[]): string {
  return inputs.find(({ node }) => node.origin !== '')?.node.origin ?? ''
}

function keyOf({ op, inputs, attributes }: Pick<NodeSpec, 'op' | 'inputs' | 'attributes'>): string {
  const parts = Object.keys(attributes)
    .sort()
    .map(name => `${name}=${attributeKey(attributes[name]!)}`)
  return [op, ...inputs.map(({ node, index }) => `${node.id}:${index}`), ...parts].join(' ')
}

function attributeKey({ kind, value }: Attribute): string {
  return `${kind}:${kind === 'tensor' ? constantKey(value) : JSON.stringify(value)}`
}
