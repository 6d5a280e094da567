import { expect, test } from 'vitest'
import { createConstant } from '../../src/compile/constant.ts'
import { createGraph, reachable, type TensorType } from '../../src/compile/graph.ts'

const scalar: TensorType = { shape: [], dtype: 'float32' }
const number = (value: number) => createConstant('float32', [], [value])

test('an operation that is applied twice to the same inputs is one node', () => {
  const graph = createGraph()
  const [one, two] = [graph.constant(number(1)), graph.constant(number(2))]
  const sum = graph.apply('AddV2', [one, two], {}, scalar)
  expect(graph.apply('AddV2', [graph.constant(number(1)), two], {}, scalar)).toBe(sum)
  expect(graph.nodes).toHaveLength(3)
})

test('nodes differ by operation, input, output of the input node and attribute', () => {
  const graph = createGraph()
  const x = graph.constant(number(1))
  const parts = graph.add({ op: 'Parts', inputs: [x], attributes: {}, outputs: [scalar, scalar] }).outputs
  const nodes = [
    graph.apply('Exp', [x], {}, scalar),
    graph.apply('Log', [x], {}, scalar),
    graph.apply('Exp', [parts[0]!], {}, scalar),
    graph.apply('Exp', [parts[1]!], {}, scalar),
    graph.apply('Exp', [x], { fast: { kind: 'bool', value: true } }, scalar),
    graph.apply('Exp', [x], { fast: { kind: 'bool', value: false } }, scalar),
  ]
  expect(new Set(nodes).size).toBe(nodes.length)
})

test('find returns an existing node and does not add one', () => {
  const graph = createGraph()
  const x = graph.constant(number(1))
  const spec = { op: 'Exp', inputs: [x], attributes: {} }
  expect(graph.find(spec)).toBeUndefined()
  const exponential = graph.apply('Exp', [x], {}, scalar)
  expect(graph.find(spec)).toBe(exponential.node)
})

test('a node without an origin takes that of its inputs', () => {
  const graph = createGraph()
  const { outputs } = graph.add({ op: 'Variable', inputs: [], attributes: {}, outputs: [scalar], origin: 'layer a' })
  expect(graph.apply('AddV2', [graph.constant(number(1)), outputs[0]!], {}, scalar).node.origin).toBe('layer a')
})

test('only nodes that the outputs depend on are reachable, inputs first', () => {
  const graph = createGraph()
  const x = graph.constant(number(1))
  const exponential = graph.apply('Exp', [x], {}, scalar)
  graph.apply('Log', [x], {}, scalar)
  const sum = graph.apply('AddV2', [exponential, x], {}, scalar)
  expect(reachable([sum]).map(({ op }) => op)).toEqual(['Const', 'Exp', 'AddV2'])
})
