import { expect, test } from 'vitest'
import type { CoordinatorEvent, WorkerFacts } from '../src/events.ts'
import { tellOfMixedBackends } from '../src/mixed-backends.ts'
import { checkpointOf, type RunState, resumeState } from '../src/run-state.ts'
import { tinyPlan, tinyState } from './support/tiny-plan.ts'

const worker = (id: number, backend: string): WorkerFacts => {
  return { id, name: `w${id}`, host: 'h', device: 'cpu', cores: 2, backend }
}

/** The events when workers with these backends join, one after the other. */
function tellOf(...backends: readonly string[]): readonly CoordinatorEvent[] {
  return goOn(tinyState(), ...backends)
}

function goOn(state: RunState, ...backends: readonly string[]): readonly CoordinatorEvent[] {
  const told: CoordinatorEvent[] = []
  const listen = tellOfMixedBackends(state, event => told.push(event))
  for (const [index, backend] of backends.entries()) {
    listen({ type: 'worker-joined', worker: worker(index + 1, backend), active: index + 1 })
  }
  return told
}

test('workers with the same backend cause no warning', () => {
  expect(tellOf('TensorFlow 2.21.0, CPU', 'TensorFlow 2.21.0, CPU').map(({ type }) => type)).toEqual([
    'worker-joined',
    'worker-joined',
  ])
})

test('each further backend is reported once, after the first worker that has it', () => {
  const told = tellOf('A', 'B', 'A', 'B', 'C')
  expect(told.map(({ type }) => type)).toEqual([
    ...['worker-joined', 'worker-joined', 'mixed-backends', 'worker-joined', 'worker-joined'],
    ...['worker-joined', 'mixed-backends'],
  ])
  expect(told.filter(({ type }) => type === 'mixed-backends')).toEqual([
    { type: 'mixed-backends', worker: worker(2, 'B'), others: [worker(1, 'A')], earlier: [] },
    { type: 'mixed-backends', worker: worker(5, 'C'), others: [worker(1, 'A'), worker(2, 'B')], earlier: [] },
  ])
})

test('a run that is resumed on another backend reports the earlier one and remembers both', () => {
  const { identity, arithmetic } = tinyPlan()
  const state = tinyState()
  goOn(state, 'A')
  const resumed = resumeState(checkpointOf(identity, state), identity.dataSha256, arithmetic)
  const told = goOn(resumed, 'B', 'A', 'B')
  expect(told.filter(({ type }) => type === 'mixed-backends')).toEqual([
    { type: 'mixed-backends', worker: worker(1, 'B'), others: [], earlier: ['A'] },
  ])
  expect(resumed.history.backends).toEqual(['A', 'B'])
  // As when `--supervise` restarts a coordinator: this has been reported.
  expect(goOn(resumed, 'B', 'A').map(({ type }) => type)).toEqual(['worker-joined', 'worker-joined'])
})
