import { Packr } from 'msgpackr'
import { LockstepError, reasonOf } from './common/error.ts'
import { unpackPlain } from './plain-message-pack.ts'
import {
  alignTo,
  bytesOf,
  bytesPerElement,
  isTensorType,
  type TensorData,
  type Tensors,
  type TensorType,
  tensorAlignment,
  tensorOver,
  tensorType,
} from './tensor.ts'

/**
 * One message, as a binary one of a WebSocket or in the stream of a lane, little-endian:
 *
 *     offset      bytes  what
 *     0           4      magic, "LKS1"
 *     4           4      header length H, uint32
 *     8           H      header: a plain MessagePack map { fields, tensors: [[name, type, elements], …] }
 *     align8(8+H) …      tensors in the header's order, each starting at a multiple of 8, zero bytes between
 *
 * The frame ends with the last byte of the last tensor, or of the header where there is none. Tensors start aligned so
 * that a Float32Array can be laid over what arrived, without a copy.
 */
export const frameMagic = 0x31534b4c
/** The longest header unpacked for a peer that may not even know the token. */
export const maxHeaderBytes = 64 << 10
/**
 * The longest header that a worker accepts: room for a `welcome` with the longest topology, whose characters take up to
 * three bytes.
 */
export const maxWorkerHeaderBytes = 4 << 20
const prefixBytes = 8

export type TensorEntry = readonly [name: string, type: TensorType, elements: number]

export type FrameLayout = {
  readonly fields: unknown
  readonly tensors: readonly TensorEntry[]
  /** Byte offset of the header's end. */
  readonly headerEnd: number
}

const packr = new Packr({ useRecords: false, variableMapSize: true })

/** Encodes fields and tensors as one frame, with a single copy of the tensors. */
export function encodeFrame(fields: Readonly<Record<string, unknown>>, tensors: Tensors = {}): Uint8Array<ArrayBuffer> {
  const named = Object.entries(tensors)
  const entries = named.map(([name, data]): TensorEntry => [name, tensorType(data), data.length])
  const header = packr.pack({ fields, tensors: entries })
  let end = prefixBytes + header.length
  const offsets = named.map(([, data]) => {
    const offset = alignTo(end, tensorAlignment)
    end = offset + data.byteLength
    return offset
  })
  const frame = new Uint8Array(end)
  const view = new DataView(frame.buffer)
  view.setUint32(0, frameMagic, true)
  view.setUint32(4, header.length, true)
  frame.set(header, prefixBytes)
  for (const [index, [, data]] of named.entries()) frame.set(bytesOf(data), offsets[index])
  return frame
}

/**
 * Reads a frame's header and the list of its tensors; allocates nothing of their size. Throws `frame-malformed` when
 * the bytes are not a frame, or the header is longer than `maxBytes`.
 */
export function readFrameHeader(frame: Uint8Array, maxBytes = maxHeaderBytes): FrameLayout {
  if (frame.byteLength < prefixBytes) {
    throw malformed('a frame is shorter than its prefix', `≥ ${prefixBytes} bytes`, `${frame.byteLength}`)
  }
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const magic = view.getUint32(0, true)
  if (magic !== frameMagic) throw malformed('a frame has the wrong magic', hex(frameMagic), hex(magic))
  const headerBytes = view.getUint32(4, true)
  const room = Math.min(maxBytes, frame.byteLength - prefixBytes)
  if (headerBytes > room) throw malformed('a frame header is too long', `≤ ${room} bytes`, `${headerBytes}`)
  const headerEnd = prefixBytes + headerBytes
  return { ...unpackHeader(frame.subarray(prefixBytes, headerEnd)), headerEnd }
}

/** Lays the tensors over the frame's bytes. The frame must be exactly as long as they require. */
export function readFrameTensors(frame: Uint8Array, layout: FrameLayout): Tensors {
  const tensors: [name: string, data: TensorData][] = []
  let end = layout.headerEnd
  for (const [name, type, elements] of layout.tensors) {
    const offset = alignTo(end, tensorAlignment)
    end = offset + elements * bytesPerElement[type]
    if (end > frame.byteLength) break
    tensors.push([name, tensorOver(type, frame, offset, elements)])
  }
  if (end !== frame.byteLength) {
    throw malformed('a frame is not as long as its tensors', `${end} bytes`, `${frame.byteLength}`)
  }
  return Object.fromEntries(tensors)
}

function unpackHeader(bytes: Uint8Array): { fields: unknown; tensors: TensorEntry[] } {
  let header: unknown
  try {
    header = unpackPlain(bytes)
  } catch (cause) {
    throw malformed('a frame header is not plain MessagePack', 'a map', reasonOf(cause))
  }
  if (typeof header !== 'object' || header === null || !('fields' in header) || !('tensors' in header)) {
    throw malformed('a frame header has the wrong form', '{ fields, tensors }', typeof header)
  }
  const { fields, tensors } = header
  if (!Array.isArray(tensors) || tensors.length > 8 || !tensors.every(isTensorEntry)) {
    throw malformed('a frame header lists its tensors wrongly', '≤ 8 of [name, type, elements]', typeof tensors)
  }
  return { fields, tensors }
}

function isTensorEntry(entry: unknown): entry is TensorEntry {
  if (!Array.isArray(entry) || entry.length !== 3) return false
  const [name, type, elements] = entry
  return typeof name === 'string' && isTensorType(type) && Number.isInteger(elements) && elements >= 0
}

function hex(value: number): string {
  return `0x${value.toString(16)}`
}

function malformed(message: string, expected: string, received: string): LockstepError {
  return new LockstepError('frame-malformed', message, { expected, received })
}
