import { tensorFlowCacheFolder } from '../provision.ts'
import { findPlatform } from '../supported-machine.ts'
import { pinnedWheelFor } from '../wheel-source.ts'
import { inspectCache } from './caches.ts'
import type { Finding } from './finding.ts'
import { inspectCpu, inspectMemory, inspectNode, inspectSystem } from './system.ts'
import { inspectTensorFlow } from './tensorflow.ts'
import { inspectCompiler, inspectGpus, inspectPip } from './tools.ts'

/** What a machine has for training, what it lacks, and how to get it. */
export type MachineReport = { readonly findings: readonly Finding[] }

/**
 * Checks everything that training depends on. Verifies the whole library and starts a few programs to get their
 * versions, which takes a second or two. Changes nothing and does not use the network.
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
