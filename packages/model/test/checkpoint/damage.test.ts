import { createHash } from 'node:crypto'
import { LockstepError } from '@lockstep/protocol'
import { headerBombs } from '@lockstep/protocol/testing'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { expect, test } from 'vitest'
import { decodeCheckpoint } from '../../src/checkpoint/decode.ts'
import { encodeCheckpoint } from '../../src/checkpoint/encode.ts'
import { exampleCheckpoint } from './example.ts'

const bytes = Buffer.from(encodeCheckpoint(exampleCheckpoint))

function codeOf(damaged: Uint8Array): string {
  try {
    decodeCheckpoint(damaged)
  } catch (error) {
    if (error instanceof LockstepError) return error.code
    throw error
  }
  return 'decoded'
}

/** Recomputes the checksum of a file, as a program that writes other contents would. */
function sealed(file: Buffer): Buffer {
  const body = file.subarray(0, -32)
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

/** A complete file with this header and as many tensor bytes as the example, in the layout of format.ts. */
function fileWithHeader(header: unknown): Buffer {
  return fileWithPacked(new Packr({ useRecords: false }).pack(header))
}

function fileWithPacked(packed: Uint8Array): Buffer {
  const fixed = Buffer.alloc(24)
  fixed.write('LOCKSTEP')
  fixed.writeUInt32LE(2, 8)
  fixed.writeUInt32LE(packed.length, 12)
  const padding = Buffer.alloc((8 - (packed.length % 8)) % 8)
  const file = Buffer.concat([fixed, packed, padding, Buffer.alloc((4 + 2 * 3) * 4), Buffer.alloc(32)])
  file.writeBigUInt64LE(BigInt(file.length), 16)
  return sealed(file)
}

function exampleHeader() {
  const { version: _version, weights, optimizer, ...rest } = exampleCheckpoint
  const { step, powers, moments } = optimizer
  const tensors = { weights: weights.length, moments: moments.length, momentSize: moments[0]!.length }
  return { ...rest, optimizer: { step, powers }, tensors }
}

test('any flipped bit is detected, and the error code depends on its position', () => {
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(7), (index, bit) => {
      const damaged = Buffer.from(bytes)
      damaged[index]! ^= 1 << bit
      const isMagic = index < 8
      const isFileLength = index >= 16 && index < 24
      const expected = isMagic ? 'checkpoint-foreign' : isFileLength ? 'checkpoint-torn' : 'checkpoint-corrupt'
      expect(codeOf(damaged)).toBe(expected)
    }),
    { numRuns: 1000, seed: 1 },
  )
})

test('a file that is truncated anywhere is torn', () => {
  for (let length = 0; length < bytes.length; length++) {
    expect(codeOf(bytes.subarray(0, length))).toBe('checkpoint-torn')
  }
})

test('a file with bytes after its end is torn', () => {
  expect(codeOf(Buffer.concat([bytes, Buffer.alloc(1)]))).toBe('checkpoint-torn')
})

test('a file whose second half is zeros is corrupt', () => {
  const half = Math.floor(bytes.length / 2)
  expect(codeOf(Buffer.concat([bytes.subarray(0, half), Buffer.alloc(bytes.length - half)]))).toBe('checkpoint-corrupt')
})

test('other files are foreign', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8 }), random => {
      fc.pre(!Buffer.from(random).subarray(0, 8).equals(Buffer.from('LOCKSTEP')))
      expect(codeOf(random)).toBe('checkpoint-foreign')
    }),
    { seed: 1 },
  )
  expect(codeOf(Buffer.from('{"format":"layers-model"}'))).toBe('checkpoint-foreign')
})

test.each([
  { version: 3, message: /newer/ },
  { version: 1, message: /another/ },
])('an intact file of format version $version is rejected with its version', ({ version, message }) => {
  const other = Buffer.from(bytes)
  other.writeUInt32LE(version, 8)
  expect(() => decodeCheckpoint(sealed(other))).toThrow(
    expect.objectContaining({
      code: 'checkpoint-version',
      message: expect.stringMatching(message),
      expected: 'format version 2',
      received: `format version ${version}`,
    }),
  )
})

test('a file in the layout of format.ts can be decoded', () => {
  expect(fileWithHeader(exampleHeader()).length).toBe(bytes.length)
  expect(codeOf(fileWithHeader(exampleHeader()))).toBe('decoded')
})

test.each([
  ['a missing field', { runId: undefined }],
  ['an unknown field', { surprise: 1 }],
  ['an unknown optimizer', { config: { ...exampleCheckpoint.config, optimizer: 'magic' } }],
  ['a negative step', { step: -1 }],
  ['more weights than there are bytes', { tensors: { weights: 2 ** 40, moments: 2, momentSize: 3 } }],
  ['one moment too few', { tensors: { weights: 4, moments: 1, momentSize: 3 } }],
  ['more moments than any optimizer has', { tensors: { weights: 10, moments: 2 ** 40, momentSize: 0 } }],
])('a header with %s is invalid, even with a valid checksum', (_, change) => {
  expect(codeOf(fileWithHeader({ ...exampleHeader(), ...change }))).toBe('checkpoint-invalid')
})

test.each(Object.entries(headerBombs))('a header of %s is rejected within 0.5 s of CPU time', (_, header) => {
  const file = fileWithPacked(header)
  const before = process.cpuUsage()
  expect(codeOf(file)).toBe('checkpoint-invalid')
  expect(process.cpuUsage(before).user).toBeLessThan(500_000)
})

test('a header that is not a map, longer than the file or not MessagePack is invalid', () => {
  expect(codeOf(fileWithHeader('nonsense'))).toBe('checkpoint-invalid')
  const long = Buffer.from(bytes)
  long.writeUInt32LE(0xffffffff, 12)
  expect(codeOf(sealed(long))).toBe('checkpoint-invalid')
  const noise = Buffer.from(bytes)
  noise.fill(0xc1, 24, 32) // 0xc1 is the one byte that MessagePack never uses
  expect(codeOf(sealed(noise))).toBe('checkpoint-invalid')
})
