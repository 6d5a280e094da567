import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * The garbage collector of this thread. V8 exposes it only under a flag, which may be set at any time before the
 * context that shows it is created.
 */
const collect = exposeCollector()

/** Gradients that pile up before a collection. */
const steps = 4

/**
 * TensorFlow returns every gradient in a new array outside V8's heap, which itself hardly grows. Left alone, V8 notices
 * late and then marks the whole heap, in several threads. Call this for each gradient once it has been sent, while the
 * other workers are awaited anyway: every few calls it collects the young generation, in less than half a millisecond.
 */
export function createYoungCollector(): () => void {
  let gradients = 0
  return () => {
    gradients += 1
    if (gradients % steps === 0) collect({ type: 'minor' })
  }
}

function exposeCollector(): (options: { readonly type: 'minor' }) => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}
