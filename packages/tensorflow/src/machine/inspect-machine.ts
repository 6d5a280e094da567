import { tensorFlowCacheFolder } from '../provision.ts'
import { findPlatform } from '../supported-machine.ts'
import { pinnedWheelFor } from '../wheel-source.ts'
import { inspectCache } from './caches.ts'
import type { Finding } from './finding.ts'
import { inspectCpu, inspectMemory, inspectNode, inspectSystem } from './system.ts'
import { inspectTensorFlow } from './tensorflow.ts'
import { inspectCompiler, inspectGpus, inspectPip } from './tools.ts'

/** What a machine has for training, what it lacks, and what to do about that. */
export type MachineReport = { readonly findings: readonly Finding[] }

/**
 * Looks at everything that training rests on. Reads the whole library to verify it, starts a few programs for their
 * versions, and takes a second or two; changes nothing and uses no network.
 */
export async function inspectMachine(options: { readonly environment: NodeJS.ProcessEnv }): Promise<MachineReport> {
  const { environment } = options
  const platform = findPlatform()
  const tensorFlow = await inspectTensorFlow({
    source: pinnedWheelFor(platform.system, platform.architecture),
    platform,
    cacheFolder: tensorFlowCacheFolder(environment),
    environment,
  })
  return {
    findings: [
      inspectNode(process.versions.node),
      await inspectSystem(platform),
      inspectCpu(platform),
      inspectMemory(),
      ...tensorFlow.findings,
      await inspectPip(environment, !tensorFlow.libraryReady),
      await inspectCompiler(environment, !tensorFlow.bindingReady),
      await inspectGpus(environment),
      await inspectCache(environment),
    ],
  }
}
