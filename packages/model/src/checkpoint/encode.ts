import { createHash } from 'node:crypto'
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

const packr = new Packr({ useRecords: false })

/**
 * Encodes a checkpoint as the bytes of a file, in the layout of `format.ts`. Equal checkpoints give equal bytes.
 *
 * @throws LockstepError `checkpoint-invalid` if it could not be read back: a field has the wrong type, or the moments
 * differ in length or are longer than the weights.
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  return Buffer.concat(encodeCheckpointInParts(checkpoint))
}

/** Encodes a checkpoint as parts to be written in order. On little-endian CPUs those of the tensors are not copies. */
export function encodeCheckpointInParts(checkpoint: Checkpoint): readonly Uint8Array[] {
  const tensors = [checkpoint.weights, ...checkpoint.optimizer.moments].map(toLittleEndianBytes)
  const content = [encodeHead(checkpoint, tensors), ...tensors]
  const hash = createHash('sha256')
  for (const part of content) hash.update(part)
  return [...content, hash.digest()]
}

/** Everything before the tensors. */
function encodeHead(checkpoint: Checkpoint, tensors: readonly Uint8Array[]): Uint8Array {
  const header = packr.pack(checkedHeader(checkpoint))
  const head = Buffer.alloc(tensorOffset(header.length))
  const fileLength = tensors.reduce((sum, { length }) => sum + length, head.length + checksumLength)
  head.set(magic, 0)
  head.writeUInt32LE(checkpoint.version, versionOffset)
  head.writeUInt32LE(header.length, headerLengthOffset)
  head.writeBigUInt64LE(BigInt(fileLength), fileLengthOffset)
  head.set(header, headerOffset)
  return head
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
