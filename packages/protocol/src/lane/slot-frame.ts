import { LockstepError } from '../common/error.ts'
import type { Message, MessageOf, Sizes } from '../messages.ts'
import { areTimes, type Times } from '../timing/timeline.ts'

/**
 * A message of a step whose tensors lie in a slot, as a frame of a lane, little-endian:
 *
 *     offset  bytes  what
 *     0       4      magic, "LKT1"
 *     4       4      1 `work`, 2 `gradient`, 3 `update`, uint32
 *     8       20     `step`, `slot`, `shard`, `count`, `correct`, uint32
 *     28      4      zero
 *     32      8      `lossSum` or `learningRate`, float64
 *     40      8 n    `times`, float64
 *
 * Fields that a message lacks are zero. `runId` is that of the lane.
 *
 * Such a message comes after milliseconds of computing, when neither data nor code is in the processor's caches any
 * more. Its cost is then the code that it passes through, and reading fields at fixed places takes little.
 */
type SlotFields = {
  readonly step: number
  readonly slot: number | null
  readonly shard?: number
  readonly count?: number
  readonly correct?: number
}

const slotMagic = 0x31544b4c
const kinds = { work: 1, gradient: 2, update: 3 } as const
const headBytes = 40
const maxUint32 = 0xffff_ffff
const noTimes: Times = []

/** Null for a message that needs the general form: another one, one with tensors, or one with larger numbers. */
export function encodeSlotFrame(message: Message): Uint8Array<ArrayBuffer> | null {
  switch (message.type) {
    case 'work':
      return message.group === undefined ? write('work', message, 0, noTimes) : null
    case 'gradient':
      return write('gradient', message, message.lossSum, message.times)
    case 'update':
      return write('update', message, message.learningRate, noTimes)
    default:
      return null
  }
}

function write(
  kind: keyof typeof kinds,
  { step, slot, shard = 0, count = 0, correct = 0 }: SlotFields,
  figure: number,
  times: Times,
): Uint8Array<ArrayBuffer> | null {
  if (slot === null || Math.max(step, slot, shard, count, correct) > maxUint32) return null
  const frame = new Uint8Array(headBytes + 8 * times.length)
  const view = new DataView(frame.buffer)
  view.setUint32(0, slotMagic, true)
  view.setUint32(4, kinds[kind], true)
  view.setUint32(8, step, true)
  view.setUint32(12, slot, true)
  view.setUint32(16, shard, true)
  view.setUint32(20, count, true)
  view.setUint32(24, correct, true)
  view.setFloat64(32, figure, true)
  for (let at = 0; at < times.length; at++) view.setFloat64(headBytes + 8 * at, times[at]!, true)
  return frame
}

export function isSlotFrame(frame: Uint8Array): boolean {
  return frame.byteLength >= headBytes && viewOf(frame).getUint32(0, true) === slotMagic
}

/**
 * Reads a frame for which `isSlotFrame` holds. Accepts what the message's schema and the sizes allow. Throws
 * `frame-malformed` or `message-invalid`.
 */
export function decodeSlotFrame(
  frame: Uint8Array,
  runId: string,
  { maxSamples }: Sizes,
): MessageOf<'work'> | MessageOf<'gradient'> | MessageOf<'update'> {
  const view = viewOf(frame)
  const kind = view.getUint32(4, true)
  const step = view.getUint32(8, true)
  const slot = view.getUint32(12, true)
  const figure = view.getFloat64(32, true)
  const times = readTimes(view)
  if (kind === kinds.update) {
    if (!Number.isFinite(figure) || times.length > 0) throw invalid('an update', 'a finite learningRate', figure)
    return { type: 'update', runId, step, learningRate: figure, slot }
  }
  const shard = view.getUint32(16, true)
  const count = view.getUint32(20, true)
  if (count < 1 || count > maxSamples) throw invalid('the samples of a message', `1 to ${maxSamples}`, count)
  if (kind === kinds.work && times.length === 0) return { type: 'work', runId, step, shard, count, slot }
  if (kind !== kinds.gradient || !areTimes(times)) {
    throw invalid('a message', 'work, a gradient with its times, or an update', `kind ${kind}, times ${times.join()}`)
  }
  const correct = view.getUint32(24, true)
  return { type: 'gradient', runId, step, shard, count, lossSum: figure, correct, slot, times }
}

function readTimes(view: DataView): Times {
  if (view.byteLength % 8 !== 0) {
    const lengths = { expected: 'a multiple of 8 bytes', received: `${view.byteLength}` }
    throw new LockstepError('frame-malformed', 'a frame does not end with its times', lengths)
  }
  const times: number[] = []
  for (let at = headBytes; at < view.byteLength; at += 8) times.push(view.getFloat64(at, true))
  return times
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}

function invalid(what: string, expected: string, received: number | string): LockstepError {
  return new LockstepError('message-invalid', `${what} in shared memory`, { expected, received: `${received}` })
}
