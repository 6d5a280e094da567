import type { StepMetrics } from '../../src/metrics.ts'

export function stepWith(step: number): StepMetrics {
  const own = { prepare: 0.1, wait: 7, receive: 0.2, reduce: 0.3, send: 0.2, optimizer: 1, other: 0.2 }
  const phases = { wait: 1, receive: 0.1, optimizer: 1, compute: 6, encode: 0.2, send: 0.1 }
  return {
    type: 'step',
    epoch: Math.ceil(step / 4),
    step,
    samples: 10,
    loss: 2,
    accuracy: 0.5,
    milliseconds: 9,
    coordinator: own,
    workers: [{ id: 1, phases }],
  }
}
