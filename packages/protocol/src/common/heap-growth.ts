import { setFlagsFromString } from 'node:v8'

/**
 * Gradients lie outside of V8's heap, but V8 counts them as if the heap had grown, those that sockets bring and those that
 * one thread hands to another. As this heap is small, 10 MB of them were enough to mark all of it, in several threads,
 * mostly while more were arriving. From here on it is marked when it has doubled. For the whole process.
 */
export function letHeapDouble(): void {
  setFlagsFromString('--heap-growing-percent=100')
}
