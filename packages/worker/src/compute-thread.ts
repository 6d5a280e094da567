import { createLayout, createOptimizer, fromTopology } from '@lockstep/model'
import { findCpuTraits, loadTensorFlow } from '@lockstep/tensorflow'
import { loadSystemMemory } from '@lockstep/tensorflow/system-memory'
import { createEngine } from './engine.ts'
import { serveCompute } from './serve-compute.ts'

await serveCompute(async ({ config, topology, provisioned }) => {
  const { backend, description } = await loadTensorFlow(provisioned)
  const model = await fromTopology(topology)
  const layout = createLayout(model)
  return {
    engine: createEngine(model, layout, config, backend),
    createUpdater: arithmetic => ({
      optimizer: createOptimizer(config, layout, arithmetic),
      trainableSize: layout.trainableSize,
    }),
    layoutHash: layout.hash,
    size: layout.size,
    // WebAssembly computes the same on every CPU.
    backend: [description, ...(backend === 'wasm' ? [] : findCpuTraits(config.precision))].join(', '),
    systemMemory: loadSystemMemory(provisioned),
  }
})
