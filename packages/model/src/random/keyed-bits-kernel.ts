import { tf } from '../tfjs.ts'

/**
 * Registers the kernel `KeyedBits` for the backends whose data JavaScript can access: keys int32 [n] and offsets
 * int32 [size] give int32 [n, size], `hash(key ^ offset) & mask`. The hash is lowbias32 (see mix32) without its last
 * step, which changes only the lower half; callers use the higher bits. The kernel for native TensorFlow is in
 * @lockstep/tensorflow; both give the same bits.
 */
export function registerKeyedBits(): void {
  for (const backendName of ['cpu', 'wasm']) {
    tf.registerKernel({ kernelName: 'KeyedBits', backendName, kernelFunc: computeKeyedBits })
  }
}

const computeKeyedBits: tf.KernelFunc = ({ inputs, attrs, backend }) => {
  const { readSync, write } = backend as tf.KernelBackend
  const [keys, offsets] = [inputs.keys!, inputs.offsets!].map(
    ({ dataId }) => readSync.call(backend, dataId) as Int32Array,
  )
  const values = hashAll(keys!, offsets!, attrs!.mask as number)
  const shape = [keys!.length, offsets!.length]
  return { dataId: write.call(backend, values, shape, 'int32'), shape, dtype: 'int32' }
}

function hashAll(keys: Int32Array, offsets: Int32Array, mask: number): Int32Array {
  const values = new Int32Array(keys.length * offsets.length)
  let place = 0
  for (const key of keys) {
    for (const offset of offsets) {
      let x = key ^ offset
      x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
      x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
      values[place++] = x & mask
    }
  }
  return values
}
