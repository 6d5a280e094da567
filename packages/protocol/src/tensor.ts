/** Element types that travel: weights, moments and gradients as float32, pixels and labels as uint8. */
export type TensorType = 'float32' | 'uint8'

export type TensorData = Float32Array | Uint8Array

export type Tensors = Readonly<Record<string, TensorData>>

export const bytesPerElement: Readonly<Record<TensorType, number>> = { float32: 4, uint8: 1 }

export function tensorType(data: TensorData): TensorType {
  return data instanceof Float32Array ? 'float32' : 'uint8'
}

/** A tensor laid over bytes that are already there; copies them only where their offset is not aligned. */
export function tensorOver(type: TensorType, bytes: Uint8Array, offset: number, elements: number): TensorData {
  if (type === 'uint8') return bytes.subarray(offset, offset + elements)
  const start = bytes.byteOffset + offset
  if (start % Float32Array.BYTES_PER_ELEMENT === 0) return new Float32Array(bytes.buffer, start, elements)
  return new Float32Array(bytes.slice(offset, offset + elements * Float32Array.BYTES_PER_ELEMENT).buffer)
}

export function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
