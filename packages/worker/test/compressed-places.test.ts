import { createGradientFormat, plainArithmetic } from '@lockstep/model/arithmetic'
import { createSlotFile, type MessageOf, type Sizes, slotBytesFor } from '@lockstep/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { openExchangeMemory } from '../src/exchange-memory.ts'
import { createTensorPlaces } from '../src/tensor-places.ts'

const elements = 7
const sizes: Sizes = {
  weights: elements,
  trainable: elements,
  moments: 2,
  bytesPerSample: 12,
  maxSamples: 4,
  gradientType: 'bfloat16',
}
const nonce = 'ab'.repeat(16)
const format = createGradientFormat({ compress: 'bfloat16', seed: 5 }, plainArithmetic, elements)
const gradient = Float32Array.of(0.1, -0.2, 0.3, 1e-20, -7, 0, 1234.5)

const answerIn = (slot: number | null): MessageOf<'gradient'> => ({
  type: 'gradient',
  runId: 'run-1',
  step: 3,
  shard: 2,
  count: 1,
  lossSum: 1,
  correct: 0,
  slot,
  times: [0],
})
const updateIn = (slot: number | null): MessageOf<'update'> => ({
  type: 'update',
  runId: 'run-1',
  step: 3,
  learningRate: 0.1,
  slot,
})

/** Memory as a coordinator shares it, with one slot for the worker and one for all workers. */
function shareMemory() {
  const [desk, board] = [1, 2].map(() => createSlotFile('/dev/shm', slotBytesFor([elements * 2]), nonce))
  const memory = openExchangeMemory({ desk: desk!.offer, board: board!.offer, nonce, lane: null })!
  onTestFinished(() => {
    for (const file of [desk!, board!, memory]) file.close()
  })
  return { desk: desk!, board: board!, memory }
}

test('a compressed gradient is the same in a frame and in shared memory', () => {
  const { desk, memory } = shareMemory()
  const framed = createTensorPlaces(sizes, null, format).place({ message: answerIn(null), tensors: { gradient } })
  const shared = createTensorPlaces(sizes, memory, format).place({ message: answerIn(0), tensors: { gradient } })
  const read = new Uint16Array(elements)
  desk.read(0, [read])
  expect(shared.tensors).toEqual({})
  expect(framed.tensors.gradient).toEqual(read)
  expect(read).toEqual(format.pack(gradient, { step: 3, shard: 2 }))
})

test('a compressed gradient in a frame has its own memory, which can be transferred', () => {
  const places = createTensorPlaces(sizes, null, format)
  const place = () => places.place({ message: answerIn(null), tensors: { gradient } }).tensors.gradient!
  const first = place()
  structuredClone(first, { transfer: [first.buffer as ArrayBuffer] })
  expect(first.length).toBe(0)
  expect(place().length).toBe(elements)
})

test('a compressed mean expands to the same values from a frame and from shared memory', () => {
  const { board, memory } = shareMemory()
  const mean = format.pack(gradient, { step: 3, shard: 'mean' }).slice()
  board.write(0, [mean])
  const [framed, shared] = [new Float32Array(elements), new Float32Array(elements)]
  createTensorPlaces(sizes, null, format).mean({ message: updateIn(null), tensors: { gradient: mean } }, framed)
  createTensorPlaces(sizes, memory, format).mean({ message: updateIn(0), tensors: {} }, shared)
  expect(shared).toEqual(framed)
  // The upper halves of float32.
  expect([...new Uint32Array(shared.buffer)]).toEqual([...mean].map(half => half * 2 ** 16))
})
