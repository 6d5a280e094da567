/**
 * A permutation of the 32-bit integers in which every bit of the result depends on every bit of the argument: lowbias32
 * (https://github.com/skeeto/hash-prospector), which is less biased than the finalizer of MurmurHash3.
 */
export function mix32(value: number): number {
  let x = value
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return x ^ (x >>> 16)
}
