import { createOptimizer, type Optimizer } from '@lockstep/model'
import type { Clock } from '@lockstep/protocol'
import {
  type Computation,
  type Compute,
  createComputeServer,
  type FromCompute,
  followCompute,
  type ToCompute,
  type WorkerWorld,
} from '@lockstep/worker'
import { evaluationOf, gradientOf, modelSize, tinyLayout, trainableSize } from '../model/tiny-model.ts'
import { layoutHash } from '../model/tiny-plan.ts'
import type { Chance } from '../world/chance.ts'
import type { SimulatedProcess } from '../world/process.ts'

/** Controls a simulated computing thread, and observes it. */
export type ComputeWatch = {
  /** The time per sample. */
  readonly msPerSample: () => number
  /** Whether the thread hangs for good from here on. Asked before each computation. */
  readonly hangs: () => boolean
  /** Whether this gradient becomes not finite. Asked for each gradient. */
  readonly spoils: () => boolean
  /** A replica has reached this step. The weights are complete once the current event is over. */
  readonly onReplica: (weights: Float32Array, step: number) => void
  /** A gradient is computed with these weights, for these samples. */
  readonly onGradient: (weights: Float32Array, pixels: Uint8Array) => void
}

/** A computing thread without a thread. Both ends are the product's own code; messages between them take time. */
export function computeIn(process: SimulatedProcess, chance: Chance, watch: ComputeWatch): WorkerWorld['startCompute'] {
  return setup =>
    new Promise(resolve => {
      const thread = { stopped: false, hung: false }
      const there = createWay<ToCompute>(process.clock, chance)
      const back = createWay<FromCompute>(process.clock, chance)
      const port = {
        postMessage: there.send,
        on: (_: 'message', listener: (message: FromCompute) => void) => back.listen(listener),
      }
      const follow = followCompute(port, process.clock)
      const compute: Compute = {
        ...follow,
        layoutHash,
        backend: 'simulated',
        failed: new Promise<never>(() => undefined),
        stop: async () => {
          thread.stopped = true
        },
      }
      process.clock.after(chance.between(1, 30), () => {
        const computation = computationOf(setup.config, process, watch, thread)
        const surroundings = { post: back.send, afterAnswer: () => undefined, clock: process.clock }
        const serve = createComputeServer(setup, computation, surroundings)
        there.listen(message => {
          if (!thread.stopped && !thread.hung) serve(message)
        })
        resolve(compute)
      })
    })
}

function computationOf(
  config: Parameters<typeof createOptimizer>[0],
  process: SimulatedProcess,
  watch: ComputeWatch,
  thread: { hung: boolean },
): Computation {
  /** Takes the time of this many samples. */
  const take = <T>(samples: number, compute: () => T) =>
    new Promise<T>((resolve, reject) => {
      thread.hung ||= watch.hangs()
      if (thread.hung) return
      process.clock.after(samples * watch.msPerSample(), () => {
        try {
          resolve(compute())
        } catch (error) {
          reject(error)
        }
      })
    })
  return {
    engine: {
      name: 'simulated',
      gradient: (weights, pixels, labels, keys) =>
        take(labels.length, () => {
          watch.onGradient(weights, pixels)
          const computed = gradientOf(weights, pixels, labels, keys)
          if (watch.spoils()) computed.gradient[0] = Number.NaN
          return computed
        }),
      evaluate: (weights, pixels, labels) => take(labels.length, () => evaluationOf(weights, pixels, labels)),
      dispose: () => undefined,
    },
    createUpdater: arithmetic => ({
      optimizer: watched(createOptimizer(config, tinyLayout, arithmetic), watch),
      trainableSize,
    }),
    layoutHash,
    size: modelSize,
    systemMemory: null,
    backend: 'simulated',
  }
}

function watched(optimizer: Optimizer, watch: ComputeWatch): Optimizer {
  return {
    ...optimizer,
    apply: (weights, gradient, state, learningRate) => {
      const next = optimizer.apply(weights, gradient, state, learningRate)
      watch.onReplica(new Float32Array(weights.buffer, weights.byteOffset, modelSize), next.step)
      return next
    },
  }
}

/** One direction between two threads: messages arrive later, in order. */
function createWay<T>(clock: Clock, chance: Chance) {
  const underWay: T[] = []
  let arrived = 0
  let listener: ((message: T) => void) | null = null

  function deliver(): void {
    while (listener !== null && arrived > 0) {
      arrived -= 1
      listener(underWay.shift()!)
    }
  }

  return {
    send: (message: T) => {
      underWay.push(message)
      clock.after(chance.between(0.01, 0.3), () => {
        arrived += 1
        deliver()
      })
    },
    listen: (given: (message: T) => void) => {
      listener = given
      deliver()
    },
  }
}
