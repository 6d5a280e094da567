import type { WorkerFacts } from '@lockstep/coordinator'
import { expect, test } from 'vitest'
import { launchDefaults } from '../../src/flags/launch-options.ts'
import { describeEnd } from '../../src/train/describe-run.ts'
import { describeMixedBackends } from '../../src/train/mixed-backends.ts'
import { exampleEpochs, exampleSummary } from '../runs/example-runs.ts'

const native = 'TensorFlow 2.21.0, CPU'
const worker = (id: number, backend: string): WorkerFacts => {
  return { id, name: `w${id}`, host: `host-${id}`, device: 'cpu', cores: 2, backend }
}
const tell = (backend: string, ...others: readonly string[]) =>
  describeMixedBackends({
    type: 'mixed-backends',
    worker: worker(2, backend),
    others: others.map((other, index) => worker(1 + 2 * index, other)),
    earlier: [],
  })

test('the warning names a worker without TensorFlow and the command that says what is missing', () => {
  expect(tell('WebAssembly SIMD', native)).toBe(
    'WARNING: unlike workers: worker 2 (w2 on host-2) on WebAssembly SIMD; worker 1 (w1 on host-1) on TensorFlow 2.21.0, CPU: ' +
      'their gradients differ in the last bits, so the weights depend on who computes what. ' +
      '`pnpm cli doctor` on host-2 says what TensorFlow is missing there',
  )
  expect(tell(native, 'WebAssembly SIMD')).toMatch(/`pnpm cli doctor` on host-1 says/)
})

test('the warning suggests one version of TensorFlow, or one kind of CPU', () => {
  expect(tell('TensorFlow 2.15.1, CPU', native)).toMatch(/one version of TensorFlow: .*LOCKSTEP_LIBTENSORFLOW or none$/)
  expect(tell(`${native}, without AVX-512`, native)).toMatch(/use workers of only one of these kinds$/)
})

test('the warning of a run that is resumed on another backend names the earlier backend', () => {
  const resumed = (backend: string, earlier: string) =>
    describeMixedBackends({ type: 'mixed-backends', worker: worker(2, backend), others: [], earlier: [earlier] })
  expect(resumed('WebAssembly SIMD', native)).toMatch(
    /^WARNING: unlike workers: worker 2 \(w2 on host-2\) on WebAssembly SIMD; before the last start, on TensorFlow 2.21.0, CPU: .* `pnpm cli doctor` on host-2/,
  )
  expect(resumed(native, `${native}, without AVX-512`)).toMatch(/use workers of only one of these kinds$/)
})

test('the end of a run on unlike workers says that its weights depend on who computed what', () => {
  const request = { settings: { launch: launchDefaults, config: {} }, resume: null, hasLocalWorkers: true }
  const changes = { backends: ['WebAssembly SIMD', native], mixedBackends: true }
  const endOf = (summary: ReturnType<typeof exampleSummary>) =>
    describeEnd({ summary, folder: 'runs/a', request }, true).split('\n')
  expect(endOf(exampleSummary(exampleEpochs(1), changes))).toContain(
    'unlike         WebAssembly SIMD; TensorFlow 2.21.0, CPU: the weights depend on who computed what',
  )
  expect(endOf(exampleSummary(exampleEpochs(1), {})).some(line => line.startsWith('unlike'))).toBe(false)
})
