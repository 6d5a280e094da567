import { LockstepError } from '@lockstep/protocol'
import { computeConstant, openReshape, openShape, type Pair } from './batch-constant.ts'
import { type ConstantData, constantKey } from './constant.ts'
import { constantData, createGraph, type GraphNode, type Value } from './graph.ts'
import type { Trace } from './trace.ts'

/**
 * Combines two traces of a computation, with the `batchSizes` and the batch as their only input, into one for batches
 * of any size. A trace has only concrete lengths; where the two differ, they depend on the number of samples. Throws
 * LockstepError `export-batch` if they differ in more than the lengths of shapes.
 */
export function openBatch(traces: Pair<Trace>): Trace {
  const graph = createGraph()
  const opened = new Map<string, GraphNode>()
  const batch = openPlaceholder([traces[0].inputs[0]!, traces[1].inputs[0]!])
  const outputs = traces[0].outputs.map((output, index) => openValue([output, traces[1].outputs[index]!], output.node))
  return { graph, inputs: [batch], outputs }

  function openPlaceholder([a, b]: Pair<Value>): Value {
    const shape = openShape([a.shape, b.shape])
    const attributes = { ...a.node.attributes, shape: { kind: 'shape', value: shape } } as const
    return graph.apply('Placeholder', [], attributes, { shape, dtype: a.dtype })
  }

  function openValue([a, b]: Pair<Value>, user: GraphNode, input?: number): Value {
    if (a.node.op !== b.node.op || a.index !== b.index) throw batchError(a.node)
    if (a.node.op === 'Placeholder') return batch
    const [constant, other] = [constantData(a), constantData(b)]
    if (constant && other) return openConstant([constant, other], user, user.op === 'Reshape' && input === 1)
    return openNode([a.node, b.node]).outputs[a.index]!
  }

  function openConstant(constants: Pair<ConstantData>, user: GraphNode, isNewShape: boolean): Value {
    if (constantKey(constants[0]) === constantKey(constants[1])) return graph.constant(constants[0])
    const newShape = isNewShape ? openReshape(constants) : undefined
    const value = newShape ? graph.constant(newShape) : computeConstant(graph, constants, batch)
    if (value === undefined) throw batchError(user)
    return value
  }

  function openNode([a, b]: Pair<GraphNode>): GraphNode {
    const key = `${a.id} ${b.id}`
    const known = opened.get(key)
    if (known !== undefined) return known
    if (a.inputs.length !== b.inputs.length || !haveEqualAttributes([a, b])) throw batchError(a)
    const inputs = a.inputs.map((value, input) => openValue([value, b.inputs[input]!], a, input))
    const outputs = a.outputs.map(({ shape, dtype }, index) => {
      return { shape: openShape([shape, b.outputs[index]!.shape]), dtype }
    })
    const node = graph.add({ ...a, inputs, outputs })
    opened.set(key, node)
    return node
  }
}

function haveEqualAttributes([a, b]: Pair<GraphNode>): boolean {
  return JSON.stringify(a.attributes) === JSON.stringify(b.attributes)
}

function batchError({ op, origin }: GraphNode): LockstepError {
  return new LockstepError(
    'export-batch',
    `${origin || 'the model'} depends on the number of samples in the batch (${op})`,
    {
      expected: 'layers that do the same for every sample, whatever others are in the batch',
    },
  )
}
