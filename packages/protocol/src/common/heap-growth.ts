import { setFlagsFromString } from 'node:v8'

/**
 * Lets V8's heap double before it is marked, for the whole process. Gradients lie outside the heap, but V8 counts those
 * that sockets receive, and those that threads pass to each other, as heap growth. As the heap is small, 10 MB of them
 * were enough to mark all of it, in several threads, mostly while more were arriving.
 */
export function letHeapDouble(): void {
  setFlagsFromString('--heap-growing-percent=100')
}
