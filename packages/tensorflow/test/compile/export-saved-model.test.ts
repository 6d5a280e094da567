import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, test } from 'vitest'
import { type ExportOptions, exportSavedModel } from '../../src/compile/export-saved-model.ts'
import { savedModelType } from '../../src/compile/saved-model-schema.ts'
import { useTensorFlow } from '../../src/testing/use-tensorflow.ts'

beforeAll(useTensorFlow)

const weights: ExportOptions['weights'] = [
  { name: 'dense/kernel', shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) },
]

function exported(trace: ExportOptions['trace'], options: Partial<ExportOptions> = {}) {
  const input = { name: 'pixels', shape: [1, 2], dtype: 'uint8' } as const
  const bytes = exportSavedModel({ trace, input, outputs: ['scores'], weights, ...options })
  const { metaGraphs } = savedModelType.toObject(savedModelType.decode(bytes), { arrays: true, longs: Number })
  return { nodes: metaGraphs[0].graphDef.node as Node[], signature: metaGraphs[0].signatureDef.serving_default }
}

type Node = { readonly name: string; readonly op: string; readonly input: string[]; readonly attr: Tensors }
type Tensors = { readonly value?: { readonly tensor: { readonly tensorContent: Buffer; readonly intVal: number[] } } }

const scores: ExportOptions['trace'] = ([pixels, kernel]) => [
  tf.matMul(tf.reshape(tf.cast(pixels!, 'float32'), [-1, 2]), kernel as tf.Tensor2D),
]

test('the signature accepts and returns batches of any size', () => {
  const { signature } = exported(scores)
  expect(signature.methodName).toBe('tensorflow/serving/predict')
  // 4 is DT_UINT8 and 1 is DT_FLOAT.
  expect(signature.inputs).toEqual({
    pixels: { name: 'pixels:0', dtype: 4, tensorShape: { dim: [{ size: -1 }, { size: 1 }, { size: 2 }] } },
  })
  expect(signature.outputs).toEqual({
    scores: {
      name: expect.stringMatching(/^MatMul_\d+:0$/),
      dtype: 1,
      tensorShape: { dim: [{ size: -1 }, { size: 3 }] },
    },
  })
})

test('weights become constants, and the batch is the only input', () => {
  const { nodes } = exported(scores)
  expect(nodes.filter(({ op }) => op === 'Placeholder').map(({ name }) => name)).toEqual(['pixels'])
  const kernel = nodes.find(({ name }) => `${name}:0` === nodes.at(-1)!.input[1])!
  expect(kernel.op).toBe('Const')
  const content = Uint8Array.from(kernel.attr.value!.tensor.tensorContent)
  expect(new Float32Array(content.buffer)).toEqual(weights[0]!.values)
})

test('Reshape infers the size of the batch', () => {
  const { nodes } = exported(scores)
  const reshape = nodes.find(({ op }) => op === 'Reshape')!
  const target = nodes.find(({ name }) => `${name}:0` === reshape.input[1])!
  const content = Uint8Array.from(target.attr.value!.tensor.tensorContent)
  expect(new Int32Array(content.buffer)).toEqual(Int32Array.of(-1, 2))
})

test('a constant whose shape depends on the batch size is computed from it', () => {
  const { nodes, signature } = exported(([pixels]) => [tf.ones([2 * pixels!.shape[0]!, 5])])
  const operations = nodes.map(({ op }) => op).filter(op => op !== 'Const')
  // [0, 5] + [2, 0] · n
  expect(operations).toEqual(['Placeholder', 'Shape', 'Slice', 'Mul', 'AddV2', 'Fill'])
  expect(signature.outputs.scores.tensorShape.dim).toEqual([{ size: -1 }, { size: 5 }])
})

test('a layer that computes with the number of samples is rejected by name', () => {
  const dividing: ExportOptions['trace'] = ([pixels], enter) => {
    enter('layer mean')
    return [tf.div(tf.cast(pixels!, 'float32'), tf.scalar(pixels!.shape[0]!))]
  }
  expect(() => exported(dividing)).toThrow(
    expect.objectContaining({
      code: 'export-batch',
      message: 'layer mean depends on the number of samples in the batch (RealDiv)',
      hint: expect.stringContaining('--format tfjs'),
    }),
  )
})

test('a layer that branches on the number of samples is rejected', () => {
  const branching: ExportOptions['trace'] = ([pixels], enter) => {
    enter('layer branch')
    const numbers = tf.cast(pixels!, 'float32')
    return [pixels!.shape[0]! > 7 ? tf.exp(numbers) : tf.log(numbers)]
  }
  expect(() => exported(branching)).toThrow(expect.objectContaining({ code: 'export-batch' }))
})

test('a model that cannot be traced is rejected with a hint to another format', () => {
  const reading: ExportOptions['trace'] = ([pixels]) => [tf.scalar(tf.max(pixels!).dataSync()[0]!)]
  expect(() => exported(reading)).toThrow(
    expect.objectContaining({ code: 'compile-value-read', hint: expect.stringContaining('--format tfjs') }),
  )
})

test('weights beyond the limit of protocol buffers are rejected', () => {
  // 2²⁹ float32 have 2³¹ bytes; nothing writes to them, so they take no memory.
  const huge = { name: 'dense/kernel', shape: [2 ** 29], values: new Float32Array(2 ** 29) }
  expect(() => exported(scores, { weights: [huge] })).toThrow(
    expect.objectContaining({ code: 'export-too-large', received: '2147483648' }),
  )
})
