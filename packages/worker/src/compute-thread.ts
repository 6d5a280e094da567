import { createLayout, createOptimizer, fromTopology } from '@lockstep/model'
import { findCpuTraits, findThreadTraits, loadTensorFlow } from '@lockstep/tensorflow'
import { loadSystemMemory } from '@lockstep/tensorflow/system-memory'
import { createEngine } from './engine.ts'
import { serveCompute } from './serve-compute.ts'

await serveCompute(async ({ config, topology, provisioned }) => {
  const { backend, description } = await loadTensorFlow(provisioned)
  const model = await fromTopology(topology)
  const layout = createLayout(model)
  // WebAssembly computes the same on every CPU, in one thread.
  const traits = backend === 'wasm' ? [] : [...findCpuTraits(config.precision), ...findThreadTraits(config.threads)]
  return {
    engine: createEngine(model, layout, config, backend),
    createUpdater: arithmetic => ({
      optimizer: createOptimizer(config, layout, arithmetic),
      trainableSize: layout.trainableSize,
    }),
    layoutHash: layout.hash,
    size: layout.size,
    backend: [description, ...traits].join(', '),
    systemMemory: loadSystemMemory(provisioned),
  }
})
