import { LockstepError } from './common/error.ts'
import { printable } from './common/printable.ts'
import { encodeFrame, type FrameLayout, maxHeaderBytes, readFrameHeader, readFrameTensors } from './frame.ts'
import { type Message, type MessageType, messageSchemas, messageTensors, type Sizes } from './messages.ts'
import type { Tensors } from './tensor.ts'

export type Received = { readonly message: Message; readonly tensors: Tensors }

/** How the messages of a connection become frames, and frames messages; see `encodeMessage` and `decodeMessage`. */
export type Codec = {
  readonly encode: (message: Message, tensors?: Tensors) => Uint8Array<ArrayBuffer>
  readonly decode: (frame: Uint8Array, sizes: Sizes | null) => Received
}

/** `maxHeader`: the longest header that is unpacked. */
export function createCodec(maxHeader = maxHeaderBytes): Codec {
  return { encode: encodeMessage, decode: (frame, sizes) => decodeMessage(frame, sizes, maxHeader) }
}

/** Encodes a message and its tensors as one frame. */
export function encodeMessage(message: Message, tensors: Tensors = {}): Uint8Array<ArrayBuffer> {
  return encodeFrame(message, tensors)
}

/**
 * Reads a frame as a message. Checks the fields against the schema, then every tensor's type and element count against
 * what the message must carry, then the frame's length; only then are tensors laid over the bytes. The tensors own
 * their memory: it holds nothing else, and may be moved to another thread. `sizes` is null before `welcome`, when no
 * message with tensors is due. Throws `frame-malformed` or `message-invalid`.
 */
export function decodeMessage(frame: Uint8Array, sizes: Sizes | null, maxHeader = maxHeaderBytes): Received {
  const layout = readFrameHeader(frame, maxHeader)
  const message = parseFields(layout.fields)
  checkTensors(message, layout, sizes)
  const carriesTensors = layout.tensors.length > 0
  return { message, tensors: readFrameTensors(carriesTensors ? ownMemory(frame) : frame, layout) }
}

/** ws lays small messages that arrive together over one buffer. Such a message is copied out of it. */
function ownMemory(frame: Uint8Array): Uint8Array {
  return frame.byteLength === frame.buffer.byteLength ? frame : new Uint8Array(frame)
}

function parseFields(fields: unknown): Message {
  const type = typeof fields === 'object' && fields !== null && 'type' in fields ? fields.type : undefined
  if (typeof type !== 'string' || !Object.hasOwn(messageSchemas, type)) {
    const received = typeof type === 'string' ? type.slice(0, 64) : typeof type
    throw invalid('a message of unknown type', Object.keys(messageSchemas).join(', '), received)
  }
  const parsed = messageSchemas[type as MessageType].safeParse(fields)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw invalid(`a ${type} message does not fit its schema`, undefined, `${issue?.path.join('.')}: ${issue?.message}`)
}

function checkTensors(message: Message, layout: FrameLayout, sizes: Sizes | null): void {
  const inSlot = 'slot' in message && message.slot !== null
  const rules = inSlot ? [] : Object.entries(messageTensors[message.type] ?? {})
  const names = rules.map(([name]) => name)
  const received = layout.tensors.map(([name]) => name)
  if (!isSameList(names, received)) {
    throw invalid(`a ${message.type} message has the wrong tensors`, names.join() || 'none', received.join() || 'none')
  }
  if (rules.length === 0 && !inSlot) return
  if (sizes === null) throw invalid(`a ${message.type} message before welcome`, 'hello, welcome or bye', message.type)
  const count = 'count' in message ? message.count : 0
  if (count > sizes.maxSamples) {
    throw invalid(`a ${message.type} message has too many samples`, `≤ ${sizes.maxSamples}`, `${count}`)
  }
  for (const [index, [name, rule]] of rules.entries()) {
    const [, type, elements] = layout.tensors[index]!
    const length = 'length' in message ? message.length : count
    const expected = { type: rule.type(sizes), elements: rule.elements(sizes, length) }
    if (type === expected.type && elements === expected.elements) continue
    const size = (t: string, n: number) => `${t}[${n}]`
    throw invalid(
      `tensor ${name} of a ${message.type} message`,
      size(expected.type, expected.elements),
      size(type, elements),
    )
  }
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index])
}

function invalid(message: string, expected: string | undefined, told: string): LockstepError {
  const received = printable(told)
  return new LockstepError('message-invalid', message, expected === undefined ? { received } : { expected, received })
}
