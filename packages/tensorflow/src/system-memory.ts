import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { SystemMemory } from '@lockstep/protocol'
import type { Provisioned } from './provision.ts'

/** An addon beside the binding, which needs nothing of TensorFlow. */
export const systemMemoryName = 'memory.node'

/** Null where nothing native could be built, as on WebAssembly. */
export function loadSystemMemory(provisioned: Provisioned): SystemMemory | null {
  if (provisioned.backend === 'wasm') return null
  return createRequire(import.meta.url)(join(dirname(provisioned.bindingFile), systemMemoryName))
}
