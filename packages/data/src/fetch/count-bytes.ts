import { Transform } from 'node:stream'

/** Passes bytes on and reports after each chunk how many have gone through. */
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
