import { expect, test } from 'vitest'
import { createConstant } from '../../src/compile/constant.ts'
import { createGraph } from '../../src/compile/graph.ts'
import { encodeSavedModel, readOutputNames } from '../../src/compile/saved-model.ts'
import { savedModelType } from '../../src/compile/saved-model-schema.ts'

/** A model with the outputs x + 2 and a constant of four ones, and with a node that no output needs. */
function example() {
  const graph = createGraph()
  const type = { shape: [2, 2], dtype: 'float32' } as const
  const x = graph.apply('Placeholder', [], { _name: { kind: 'string', value: 'x' } }, type)
  const two = graph.constant(createConstant('float32', [], [2]))
  const y = graph.apply('AddV2', [x, two], { T: { kind: 'type', value: 'float32' } }, type)
  const ones = graph.constant(createConstant('float32', [2, 2], [1, 1, 1, 1]))
  graph.apply('Exp', [x], {}, type)
  return encodeSavedModel({ graph, inputs: [x], outputs: [y, ones] })
}

function decode(bytes: Uint8Array) {
  return savedModelType.toObject(savedModelType.decode(bytes), { arrays: true, longs: Number })
}

test('a graph is written as nodes that name their inputs, without nodes that no output needs', () => {
  const { node } = decode(example()).metaGraphs[0].graphDef
  expect(node.map(({ name, op, input }: never) => ({ name, op, input }))).toEqual([
    { name: 'x', op: 'Placeholder', input: [] },
    { name: 'Const_1', op: 'Const', input: [] },
    { name: 'AddV2_2', op: 'AddV2', input: ['x:0', 'Const_1:0'] },
    { name: 'Const_3', op: 'Const', input: [] },
  ])
})

test('the signature names inputs and outputs', () => {
  const { serving_default: signature } = decode(example()).metaGraphs[0].signatureDef
  expect(signature.inputs.x).toMatchObject({ name: 'x:0', dtype: 1, tensorShape: { dim: [{ size: 2 }, { size: 2 }] } })
  expect(signature.outputs.output0.name).toBe('AddV2_2:0')
  expect(readOutputNames(example())).toEqual(['AddV2_2:0', 'Const_3:0'])
})

test('a constant of equal values is written as one value', () => {
  const { node } = decode(example()).metaGraphs[0].graphDef
  const { tensor } = node[3].attr.value
  expect(tensor).toMatchObject({ floatVal: [1], tensorShape: { dim: [{ size: 2 }, { size: 2 }] } })
})

test('the same graph is encoded to the same bytes', () => {
  expect(Buffer.from(example()).equals(example())).toBe(true)
})
