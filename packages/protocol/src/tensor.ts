/**
 * Element types on the wire: float32 for weights, moments and gradients, bfloat16 for gradients of a compressed run,
 * int32 for keys, uint8 for pixels and labels. JavaScript has no bfloat16: its elements, the upper halves of float32,
 * are uint16.
 */
export type TensorType = 'float32' | 'bfloat16' | 'int32' | 'uint8'

export type TensorData = Float32Array | Uint16Array | Int32Array | Uint8Array

export type Tensors = Readonly<Record<string, TensorData>>

export const bytesPerElement: Readonly<Record<TensorType, number>> = { float32: 4, bfloat16: 2, int32: 4, uint8: 1 }

/** Tensors in a frame or in a slot of shared memory start at a multiple of this many bytes. */
export const tensorAlignment = 8

const arrays = { float32: Float32Array, bfloat16: Uint16Array, int32: Int32Array }

export function isTensorType(name: unknown): name is TensorType {
  return typeof name === 'string' && Object.hasOwn(bytesPerElement, name)
}

export function tensorType(data: TensorData): TensorType {
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof Uint16Array) return 'bfloat16'
  return data instanceof Int32Array ? 'int32' : 'uint8'
}

/** A tensor laid over existing bytes. Copies them only where their offset is not aligned. */
export function tensorOver(type: TensorType, bytes: Uint8Array, offset: number, elements: number): TensorData {
  if (type === 'uint8') return bytes.subarray(offset, offset + elements)
  const start = bytes.byteOffset + offset
  const Elements = arrays[type]
  if (start % bytesPerElement[type] === 0) return new Elements(bytes.buffer as ArrayBuffer, start, elements)
  return new Elements(bytes.slice(offset, offset + elements * bytesPerElement[type]).buffer)
}

export function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** The smallest multiple of `alignment` that is not below `offset`. */
export function alignTo(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment
}
