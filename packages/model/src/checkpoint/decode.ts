import { createHash } from 'node:crypto'
import { LockstepError, reasonOf, unpackPlain } from '@lockstep/protocol'
import { z } from 'zod'
import { fromLittleEndianBytes } from '../little-endian.ts'
import { type Checkpoint, checkpointHeaderSchema, checkpointVersion } from './checkpoint.ts'
import {
  checksumLength,
  fileLengthOffset,
  headerLengthOffset,
  headerOffset,
  magic,
  tensorOffset,
  versionOffset,
} from './format.ts'

type Header = z.infer<typeof checkpointHeaderSchema>

/**
 * Reads a checkpoint from the bytes of a file. The returned arrays are copies.
 *
 * @throws LockstepError
 * `checkpoint-foreign`: not a checkpoint at all.
 * `checkpoint-torn`: shorter or longer than its header says, as after an interrupted write.
 * `checkpoint-corrupt`: the checksum does not match, because a bit has changed.
 * `checkpoint-version`: intact, but of another format version.
 * `checkpoint-invalid`: intact, but with invalid contents.
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  checkMagic(file)
  checkLength(file)
  checkChecksum(file)
  checkVersion(file)
  const headerBytes = file.readUInt32LE(headerLengthOffset)
  const { tensors, optimizer, ...rest } = readHeader(file, headerBytes)
  const [weights, ...moments] = readTensors(file, tensorOffset(headerBytes), tensors) as [Float32Array]
  return { version: checkpointVersion, ...rest, optimizer: { ...optimizer, moments }, weights }
}

function checkMagic(file: Buffer): void {
  const start = file.subarray(0, magic.length)
  if (start.equals(magic.subarray(0, start.length))) return
  throw new LockstepError('checkpoint-foreign', 'this file is not a lockstep checkpoint', {
    expected: `a file that begins with ${magic.toString('ascii')}`,
    received: `one that begins with the bytes ${start.toString('hex')}`,
  })
}

function checkLength(file: Buffer): void {
  const complete = file.length >= headerOffset + checksumLength
  const stated = complete ? file.readBigUInt64LE(fileLengthOffset) : undefined
  if (stated === BigInt(file.length)) return
  throw new LockstepError('checkpoint-torn', 'the checkpoint was not written to its end, or its length is damaged', {
    expected: `${stated ?? `at least ${headerOffset + checksumLength}`} bytes`,
    received: `${file.length} bytes`,
    hint: 'Use an earlier checkpoint.',
  })
}

function checkChecksum(file: Buffer): void {
  const stated = file.subarray(-checksumLength)
  const actual = createHash('sha256').update(file.subarray(0, -checksumLength)).digest()
  if (actual.equals(stated)) return
  throw new LockstepError('checkpoint-corrupt', 'the checkpoint has changed since it was written', {
    expected: `SHA-256 ${stated.toString('hex')}`,
    received: `SHA-256 ${actual.toString('hex')}`,
    hint: 'Use an earlier checkpoint.',
  })
}

function checkVersion(file: Buffer): void {
  const version = file.readUInt32LE(versionOffset)
  if (version === checkpointVersion) return
  const newer = version > checkpointVersion
  throw new LockstepError(
    'checkpoint-version',
    `the checkpoint was written by ${newer ? 'a newer' : 'another'} lockstep`,
    {
      expected: `format version ${checkpointVersion}`,
      received: `format version ${version}`,
      hint: newer
        ? 'Update lockstep, or resume with the version that wrote it.'
        : 'Resume with the version that wrote it.',
    },
  )
}

function readHeader(file: Buffer, headerBytes: number): Header {
  const end = headerOffset + headerBytes
  if (tensorOffset(headerBytes) > file.length - checksumLength) throw invalid(`a header of ${headerBytes} bytes`)
  const parsed = checkpointHeaderSchema.safeParse(unpack(file.subarray(headerOffset, end)))
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error))
  return parsed.data
}

function unpack(header: Uint8Array): unknown {
  try {
    return unpackPlain(header)
  } catch (cause) {
    throw invalid(reasonOf(cause))
  }
}

/** Reads the weights, then the moments. It checks their sizes against the file before it allocates anything. */
function readTensors(file: Buffer, start: number, tensors: Header['tensors']): Float32Array[] {
  const { weights, moments, momentSize } = tensors
  const available = file.length - checksumLength - start
  if (available !== (weights + moments * momentSize) * Float32Array.BYTES_PER_ELEMENT) {
    throw invalid(`${weights} weights and ${moments} moments of ${momentSize} elements in ${available} bytes`)
  }
  let offset = start
  return [weights, ...Array<number>(moments).fill(momentSize)].map(elements => {
    const end = offset + elements * Float32Array.BYTES_PER_ELEMENT
    const tensor = fromLittleEndianBytes(file.subarray(offset, end))
    offset = end
    return tensor
  })
}

function invalid(received: string): LockstepError {
  return new LockstepError('checkpoint-invalid', 'the contents of the checkpoint make no sense', {
    received,
    hint: 'Use an earlier checkpoint.',
  })
}
