import { expect, test } from 'vitest'
import { encodeSafetensors } from '../../src/export/safetensors.ts'

const weights = [
  { name: 'dense/kernel', shape: [2, 1], values: Float32Array.of(1, -2) },
  { name: 'dense/bias', shape: [1], values: Float32Array.of(0.5) },
]

function decode(bytes: Uint8Array) {
  const file = Buffer.from(bytes)
  const headerBytes = Number(file.readBigUInt64LE(0))
  return {
    headerBytes,
    header: JSON.parse(file.subarray(8, 8 + headerBytes).toString()),
    data: file.subarray(8 + headerBytes),
  }
}

test('the header has the offsets of all tensors, which follow one another', () => {
  expect(decode(encodeSafetensors(weights, { seed: '1' })).header).toEqual({
    __metadata__: { seed: '1' },
    'dense/kernel': { dtype: 'F32', shape: [2, 1], data_offsets: [0, 8] },
    'dense/bias': { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
  })
})

test('the data are little-endian float32', () => {
  // 1 is 0x3f800000, −2 is 0xc0000000 and 0.5 is 0x3f000000.
  expect(decode(encodeSafetensors(weights, {})).data.toString('hex')).toBe('0000803f000000c00000003f')
})

test('the data start at a multiple of 8 bytes for any length of the header', () => {
  for (const text of ['', 'a', 'ab', 'é', 'abcd', 'abcde', 'abcdef', 'abcdefg']) {
    const { headerBytes, header, data } = decode(encodeSafetensors(weights, { text }))
    expect(headerBytes % 8).toBe(0)
    expect(header.__metadata__.text).toBe(text)
    expect(data).toHaveLength(12)
  }
})
