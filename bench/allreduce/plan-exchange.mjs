// A run that learns nothing: a vector of weights, one sample per shard, and an optimizer that does nothing.
import { createHash } from 'node:crypto'
import { epochOrder, imageBytes } from '@lockstep/data'
import { createArithmetic, mappedBytesFor } from '@lockstep/model/arithmetic'
import { runConfigSchema } from '@lockstep/protocol'
import { runConfigDefaults } from '../../packages/cli/dist/flags/run-config-defaults.js'

const seed = 1

/** An optimizer that reports each mean gradient to `onMean` and takes no step. */
export function createIdleOptimizer(onMean) {
  return {
    name: 'idle',
    momentCount: 0,
    initialState: () => ({ step: 0, moments: [], powers: [] }),
    apply: (_, mean, state) => {
      onMean(state.step, mean)
      return { ...state, step: state.step + 1 }
    },
  }
}

/**
 * The identity of a run by its number of elements: workers keep their computing thread for runs of the same identity.
 */
export function identityOf(elements) {
  const topology = JSON.stringify({ elements })
  return { runId: `allreduce-${elements}`, topology, layoutHash: createHash('sha256').update(topology).digest('hex') }
}

/** A plan of `steps` global batches with one sample per worker. */
export function planExchange({ elements, workers, steps }) {
  const config = runConfigSchema.parse({
    ...runConfigDefaults,
    dataset: 'synthetic',
    epochs: 1,
    threads: 1,
    batchSize: workers,
    shards: workers,
    seed,
    validationSplit: 0,
  })
  const optimizer = createIdleOptimizer(() => undefined)
  // Weights, the gradients of all shards, one more vector, and padding for each.
  const arithmetic = createArithmetic({
    capacityBytes: (2 + workers) * (4 * elements + 64),
    mappedBytes: mappedBytesFor(4 * elements),
  })
  return {
    identity: { ...identityOf(elements), config, dataSha256: '0'.repeat(64) },
    config,
    classNames: ['nothing'],
    dataSource: 'allreduce',
    train: numberedSamples(workers, steps),
    validation: null,
    test: numberedSamples(1, 1),
    arithmetic,
    optimizer,
    trainableSize: elements,
    learningRateAt: () => 0,
    state: startState(arithmetic.allocate(elements), optimizer),
    modelSummary: `${elements} weights`,
    modelFiles: () => ({}),
  }
}

/** Reads the step, shard and number of workers from a sample of `numberedSamples`. */
export function readNumbers(pixels) {
  const [position, workers] = new Uint32Array(pixels.slice(0, 8).buffer)
  return { step: Math.floor(position / workers), shard: position % workers, workers }
}

/** Images whose first bytes contain their position in the shuffled epoch and the number of samples per batch. */
function numberedSamples(workers, steps) {
  const count = workers * steps
  const pixels = new Uint8Array(count * imageBytes)
  const order = epochOrder({ seed, epoch: 1, count })
  for (const [position, sample] of order.entries()) {
    const numbers = new Uint8Array(Uint32Array.of(position, workers).buffer)
    pixels.set(numbers, sample * imageBytes)
  }
  return { count, pixels, labels: new Uint8Array(count) }
}

function startState(weights, optimizer) {
  const position = { epoch: 1, batch: 0, lossSum: 0, correct: 0, count: 0 }
  const history = { epochs: [], trainSeconds: 0, measuredSamples: 0, measuredSeconds: 0 }
  return { step: 0, position, weights, optimizer: optimizer.initialState(weights.length), history }
}
