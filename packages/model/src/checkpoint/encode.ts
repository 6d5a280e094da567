import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { LockstepError } from '@lockstep/protocol'
import { Packr } from 'msgpackr'
import { z } from 'zod'
import { toLittleEndianBytes } from '../little-endian.ts'
import { type Checkpoint, checkpointHeaderSchema } from './checkpoint.ts'
import {
  checksumLength,
  fileLengthOffset,
  headerLengthOffset,
  headerOffset,
  magic,
  tensorOffset,
  versionOffset,
} from './format.ts'

/** For a header that grows. */
const spareBytes = 64 * 1024
/** A third of a millisecond of SHA-256. */
const hashedAtOnce = 512 * 1024

const packr = new Packr({ useRecords: false })

/**
 * The checkpoint as the bytes of a file, laid out as `format.ts` says. The same checkpoint gives the same bytes.
 *
 * @throws LockstepError `checkpoint-invalid` if it could not be read back: a field of the wrong kind, or moments that
 * are of unlike lengths or longer than the weights.
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const file = layOut(checkpoint, Buffer.allocUnsafeSlow)
  const content = file.subarray(0, -checksumLength)
  file.set(createHash('sha256').update(content).digest(), content.length)
  return file
}

/**
 * Encodes one checkpoint after another without holding the thread up for long. The checkpoint is copied before the call
 * returns, and throws as `encodeCheckpoint` does; its checksum is made in between other things. All are encoded in the same memory,
 * each valid until the next is begun: new memory of this size for each would be new pages, and have V8 collect garbage.
 */
export function createCheckpointEncoder(): (checkpoint: Checkpoint) => Promise<Uint8Array> {
  let kept = Buffer.alloc(0)
  const allocate = (bytes: number) => {
    // What grows between two checkpoints is the history in their headers.
    if (kept.length < bytes) kept = Buffer.allocUnsafeSlow(bytes + spareBytes)
    return kept.subarray(0, bytes)
  }
  return checkpoint => seal(layOut(checkpoint, allocate))
}

async function seal(file: Buffer): Promise<Buffer> {
  const content = file.subarray(0, -checksumLength)
  const hash = createHash('sha256')
  for (let at = 0; at < content.length; at += hashedAtOnce) {
    if (at > 0) await setImmediate()
    hash.update(content.subarray(at, at + hashedAtOnce))
  }
  file.set(hash.digest(), content.length)
  return file
}

/** All but the checksum, in memory of this many bytes, whatever is in it. */
function layOut(checkpoint: Checkpoint, allocate: (bytes: number) => Buffer): Buffer {
  const tensors = [checkpoint.weights, ...checkpoint.optimizer.moments]
  const header = packr.pack(checkedHeader(checkpoint))
  const tensorsStart = tensorOffset(header.length)
  const tensorBytes = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const file = allocate(tensorsStart + tensorBytes + checksumLength)

  file.set(magic, 0)
  file.writeUInt32LE(checkpoint.version, versionOffset)
  file.writeUInt32LE(header.length, headerLengthOffset)
  file.writeBigUInt64LE(BigInt(file.length), fileLengthOffset)
  file.set(header, headerOffset)
  file.fill(0, headerOffset + header.length, tensorsStart)
  let offset = tensorsStart
  for (const tensor of tensors) {
    file.set(toLittleEndianBytes(tensor), offset)
    offset += tensor.byteLength
  }
  return file
}

function checkedHeader({ version: _version, weights, optimizer, ...rest }: Checkpoint) {
  const momentSize = optimizer.moments[0]?.length ?? 0
  if (momentSize > weights.length || optimizer.moments.some(moment => moment.length !== momentSize)) {
    throw new LockstepError('checkpoint-invalid', 'the moments of a checkpoint do not fit its weights', {
      expected: `the same number of elements each, at most ${weights.length}`,
      received: optimizer.moments.map(moment => moment.length).join(', '),
    })
  }
  const header = {
    ...rest,
    optimizer: { step: optimizer.step, powers: optimizer.powers },
    tensors: { weights: weights.length, moments: optimizer.moments.length, momentSize },
  }
  const checked = checkpointHeaderSchema.safeParse(header)
  if (checked.success) return checked.data
  throw new LockstepError('checkpoint-invalid', 'the run is in a state that a checkpoint cannot hold', {
    received: z.prettifyError(checked.error),
  })
}
