import { type NamedWeight, toLittleEndianBytes } from '@lockstep/model'

/** The data begins at a multiple of this, so that it can be mapped into memory. Spaces pad the header. */
const alignment = 8

/**
 * Encodes weights as one file: the length of the header (8 bytes, little-endian), the header in JSON, then the tensors
 * as little-endian float32 without gaps, in the given order. Specification: huggingface/safetensors, README, "Format".
 */
export function encodeSafetensors(
  weights: readonly NamedWeight[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let end = 0
  const tensors = weights.map(({ name, shape, values }) => {
    const start = end
    end += values.byteLength
    return [name, { dtype: 'F32', shape, data_offsets: [start, end] }]
  })
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(tensors) }))
  const padding = Buffer.alloc((alignment - (header.length % alignment)) % alignment, ' ')
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length + padding.length))
  return Buffer.concat([length, header, padding, ...weights.map(({ values }) => toLittleEndianBytes(values))])
}
