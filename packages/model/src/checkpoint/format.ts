/**
 * The bytes of a checkpoint file. All numbers are little-endian.
 *
 *     offset        size      what
 *     0             8         "LOCKSTEP" in ASCII
 *     8             4         uint32   format version
 *     12            4         uint32   H, length of the header in bytes
 *     16            8         uint64   length of the whole file in bytes
 *     24            H         header: one plain MessagePack map, `checkpointHeaderSchema`; floats are float64
 *     24 + H        0..7      zeros up to T, the next multiple of 8
 *     T             4·n       weights: n float32, n = header.tensors.weights
 *     T + 4·n       4·k·m     moments: k vectors of m float32, k = header.tensors.moments, m = header.tensors.momentSize
 *     T + 4·(n+k·m) 32        SHA-256 of all bytes before it
 *
 * Every format version has the same first 12 bytes, the file length at 16 and the checksum at the end, so that any
 * version of lockstep can tell a newer file from a damaged one.
 */
export const magic = Buffer.from('LOCKSTEP', 'ascii')
export const versionOffset = 8
export const headerLengthOffset = 12
export const fileLengthOffset = 16
export const headerOffset = 24
export const checksumLength = 32

/** Where the tensors begin after a header of `headerBytes`. */
export function tensorOffset(headerBytes: number): number {
  return Math.ceil((headerOffset + headerBytes) / 8) * 8
}
