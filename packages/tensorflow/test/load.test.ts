import { beforeAll, describe, expect, test } from 'vitest'
import { computeEnvironment, type Provisioned } from '../src/index.ts'
import { loadTensorFlow } from '../src/load.ts'
import { provisionTensorFlow } from '../src/provision.ts'
import { listen } from './support/machine.ts'
import { runModule } from './support/run.ts'

const environment = { PATH: process.env.PATH, HOME: process.env.HOME }
let provisioned: Provisioned

beforeAll(async () => {
  provisioned = await provisionTensorFlow(listen(process.env).options)
}, 600_000)

describe('loading TensorFlow', () => {
  test('makes it the backend of tfjs, returns its version and writes nothing to stderr', async () => {
    const { status, stdout, stderr } = await runModule('gradient.mjs', [JSON.stringify(provisioned)], environment)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      backend: 'tensorflow',
      computedOn: 'tensorflow',
      description: 'TensorFlow 2.21.0, CPU',
    })
  })

  test('gives bit-identical gradients in two processes with one thread', async () => {
    const args = [JSON.stringify(provisioned)]
    const oneThread = { ...environment, ...computeEnvironment(1) }
    const runs = [await runModule('gradient.mjs', args, oneThread), await runModule('gradient.mjs', args, oneThread)]
    const [first, second] = runs.map(({ stdout }) => JSON.parse(stdout).gradient)
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(second).toBe(first)
  })

  test('works in worker threads, and the process exits normally', async () => {
    const { status, stdout, stderr } = await runModule(
      'load-in-threads.mjs',
      [JSON.stringify(provisioned)],
      environment,
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    // [1 2] · [3 4]ᵀ = 3 + 8
    expect(stdout).toBe('tensorflow 11\n'.repeat(3))
  })

  test('fails with the folder if the binding is missing', async () => {
    const lost = { ...provisioned, bindingFile: '/nowhere/tfjs_binding.node' }
    await expect(loadTensorFlow(lost)).rejects.toMatchObject({
      code: 'tensorflow-load-failed',
      message: 'TensorFlow does not load from /nowhere',
    })
  })
})

describe('loading WebAssembly', () => {
  test('needs no programs on PATH and writes nothing to stderr', async () => {
    const wasm: Provisioned = { backend: 'wasm', version: '4.22.0', reason: 'a test' }
    const { status, stdout, stderr } = await runModule('gradient.mjs', [JSON.stringify(wasm)], { PATH: '' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      backend: 'wasm',
      computedOn: 'wasm',
      description: 'WebAssembly SIMD',
    })
  })
})
