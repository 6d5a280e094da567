import { afterEach, expect, test, vi } from 'vitest'
import { computeEnvironment } from '../src/index.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('TensorFlow gets the given number of threads', () => {
  expect(computeEnvironment(3)).toMatchObject({ TF_NUM_INTRAOP_THREADS: '3', TF_NUM_INTEROP_THREADS: '3' })
})

test.runIf(process.arch === 'x64')('oneDNN is on unless the user turns it off', () => {
  vi.stubEnv('TF_ENABLE_ONEDNN_OPTS', undefined)
  expect(computeEnvironment(1)).toMatchObject({ TF_ENABLE_ONEDNN_OPTS: '1' })
  vi.stubEnv('TF_ENABLE_ONEDNN_OPTS', '0')
  expect(computeEnvironment(1)).toMatchObject({ TF_ENABLE_ONEDNN_OPTS: '0' })
})
