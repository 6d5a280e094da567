import { Transform } from 'node:stream'

/** Creates a stream that passes bytes through and reports their total after each chunk. */
export function countBytes(report: (bytes: number) => void): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length
      report(bytes)
      done(null, chunk)
    },
  })
}
