import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCheckpointCopier } from '../../src/checkpoint/copy.ts'
import { decodeCheckpoint } from '../../src/checkpoint/decode.ts'
import { encodeCheckpoint } from '../../src/checkpoint/encode.ts'
import { createAdam } from '../../src/optimizers/adam.ts'
import { exampleCheckpoint } from './example.ts'

test('a checkpoint is the same after writing and reading a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-checkpoint-'))
  const path = join(folder, 'step-1234')
  await writeFile(path, encodeCheckpoint(exampleCheckpoint))
  expect(decodeCheckpoint(await readFile(path))).toEqual(exampleCheckpoint)
  await rm(folder, { recursive: true })
})

test('the same checkpoint is encoded to the same bytes', () => {
  expect(encodeCheckpoint(structuredClone(exampleCheckpoint))).toEqual(encodeCheckpoint(exampleCheckpoint))
})

test('a copy does not change with its source and is in shared memory, which the next copy reuses', () => {
  const copyOf = createCheckpointCopier()
  const checkpoint = structuredClone({ ...exampleCheckpoint, progress: { epochs: [1] } })
  const expected = encodeCheckpoint(checkpoint)
  const copy = copyOf(checkpoint)
  checkpoint.weights.fill(7)
  checkpoint.optimizer.moments[0]!.fill(7)
  checkpoint.progress.epochs.push(2)
  expect(Buffer.compare(encodeCheckpoint(copy), expected)).toBe(0)
  expect(copy.weights.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(copyOf(checkpoint).weights.buffer).toBe(copy.weights.buffer)
  expect(copyOf({ ...checkpoint, weights: new Float32Array(1000).fill(3) }).weights).toEqual(
    new Float32Array(1000).fill(3),
  )
})

test('every float32 and float64 keeps its bits', () => {
  // No loss sum or power is −0, which MessagePack would write as the integer 0.
  const float64 = fc.double().map(value => value + 0)
  const float32Bits = fc.uint32Array({ minLength: 0, maxLength: 20 })
  fc.assert(
    fc.property(float32Bits, float64, fc.array(float64), (bits, lossSum, powers) => {
      const weights = new Float32Array(bits.buffer, bits.byteOffset, bits.length)
      const decoded = decodeCheckpoint(
        encodeCheckpoint({
          ...exampleCheckpoint,
          weights,
          position: { ...exampleCheckpoint.position, lossSum },
          optimizer: { step: 0, moments: [weights.slice()], powers },
        }),
      )
      expect(new Uint32Array(decoded.weights.buffer)).toEqual(Uint32Array.from(bits))
      expect(new Uint32Array(decoded.optimizer.moments[0]!.buffer)).toEqual(Uint32Array.from(bits))
      expect(decoded.position.lossSum).toBe(lossSum)
      expect(decoded.optimizer.powers).toEqual(powers)
    }),
    { seed: 1 },
  )
})

test('a checkpoint can be decoded from an odd address, into new arrays', () => {
  const bytes = encodeCheckpoint(exampleCheckpoint)
  const shifted = new Uint8Array(bytes.length + 1)
  shifted.set(bytes, 1)
  const decoded = decodeCheckpoint(shifted.subarray(1))
  shifted.fill(0)
  expect(decoded).toEqual(exampleCheckpoint)
})

test('training from a checkpoint gives the same bits as training without interruption', () => {
  const adam = createAdam()
  const gradient = Float32Array.of(0.3, -0.1, 0.7, 0.2)
  const weights = exampleCheckpoint.weights.slice()
  let optimizer = adam.initialState(4)
  for (let step = 0; step < 10; step++) optimizer = adam.apply(weights, gradient, optimizer, 0.001)
  const resumed = decodeCheckpoint(encodeCheckpoint({ ...exampleCheckpoint, weights, optimizer }))
  adam.apply(weights, gradient, optimizer, 0.001)
  adam.apply(resumed.weights, gradient, resumed.optimizer, 0.001)
  expect(resumed.weights).toEqual(weights)
  expect(resumed.optimizer.moments).toEqual(optimizer.moments)
})

test('moments of different lengths, or longer than the weights, are rejected', () => {
  for (const lengths of [
    [3, 4],
    [5, 5],
  ]) {
    const moments = lengths.map(length => new Float32Array(length))
    const optimizer = { ...exampleCheckpoint.optimizer, moments }
    const expected = 'the same number of elements each, at most 4'
    expect(() => encodeCheckpoint({ ...exampleCheckpoint, optimizer })).toThrow(
      expect.objectContaining({ code: 'checkpoint-invalid', expected, received: lengths.join(', ') }),
    )
  }
})

test('a state that could not be decoded is rejected when it is encoded', () => {
  expect(() => encodeCheckpoint({ ...exampleCheckpoint, layoutHash: 'short' })).toThrow(
    expect.objectContaining({ code: 'checkpoint-invalid', received: expect.stringContaining('layoutHash') }),
  )
})
