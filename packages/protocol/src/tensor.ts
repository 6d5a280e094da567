/** Element types that travel: weights, moments and gradients as float32, keys as int32, pixels and labels as uint8. */
export type TensorType = 'float32' | 'int32' | 'uint8'

export type TensorData = Float32Array | Int32Array | Uint8Array

export type Tensors = Readonly<Record<string, TensorData>>

export const bytesPerElement: Readonly<Record<TensorType, number>> = { float32: 4, int32: 4, uint8: 1 }

export function isTensorType(name: unknown): name is TensorType {
  return typeof name === 'string' && Object.hasOwn(bytesPerElement, name)
}

export function tensorType(data: TensorData): TensorType {
  if (data instanceof Float32Array) return 'float32'
  return data instanceof Int32Array ? 'int32' : 'uint8'
}

/** A tensor laid over bytes that are already there; copies them only where their offset is not aligned. */
export function tensorOver(type: TensorType, bytes: Uint8Array, offset: number, elements: number): TensorData {
  if (type === 'uint8') return bytes.subarray(offset, offset + elements)
  const start = bytes.byteOffset + offset
  const Elements = type === 'float32' ? Float32Array : Int32Array
  if (start % bytesPerElement[type] === 0) return new Elements(bytes.buffer as ArrayBuffer, start, elements)
  return new Elements(bytes.slice(offset, offset + elements * bytesPerElement[type]).buffer)
}

export function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
