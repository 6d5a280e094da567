import { expect, test } from 'vitest'
import type { CoordinatorEvent, WorkerFacts } from '../src/events.ts'
import { tellOfMixedBackends } from '../src/mixed-backends.ts'

const worker = (id: number, backend: string): WorkerFacts => {
  return { id, name: `w${id}`, host: 'h', device: 'cpu', cores: 2, backend }
}

/** What is told when workers with these backends join, one after the other. */
function tellOf(...backends: readonly string[]): readonly CoordinatorEvent[] {
  const told: CoordinatorEvent[] = []
  const listen = tellOfMixedBackends(event => told.push(event))
  for (const [index, backend] of backends.entries()) {
    listen({ type: 'worker-joined', worker: worker(index + 1, backend), active: index + 1 })
  }
  return told
}

test('workers with one backend join as they did', () => {
  expect(tellOf('TensorFlow 2.21.0, CPU', 'TensorFlow 2.21.0, CPU').map(({ type }) => type)).toEqual([
    'worker-joined',
    'worker-joined',
  ])
})

test('each other backend is told of once, after the worker that brings it', () => {
  const told = tellOf('A', 'B', 'A', 'B', 'C')
  expect(told.map(({ type }) => type)).toEqual([
    ...['worker-joined', 'worker-joined', 'mixed-backends', 'worker-joined', 'worker-joined'],
    ...['worker-joined', 'mixed-backends'],
  ])
  expect(told.filter(({ type }) => type === 'mixed-backends')).toEqual([
    { type: 'mixed-backends', worker: worker(2, 'B'), others: [worker(1, 'A')] },
    { type: 'mixed-backends', worker: worker(5, 'C'), others: [worker(1, 'A'), worker(2, 'B')] },
  ])
})
