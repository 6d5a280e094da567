import { buildModel, createLayout, usePlainJavaScript } from '@lockstep/model'
import type { RunConfig } from '@lockstep/protocol'
import { exampleRunConfig } from '@lockstep/protocol/testing'
import type { Backend } from '@lockstep/tensorflow'
import { expect, test } from 'vitest'
import { createEngine } from '../src/engine.ts'

await usePlainJavaScript()
const model = buildModel('reference', { classes: 10, seed: 1 })
const layout = createLayout(model)
const create = (engine: RunConfig['engine'], precision: RunConfig['precision'], backend: Backend) =>
  createEngine(model, layout, { ...exampleRunConfig, engine, precision }, backend)

test.each([
  ['compiled', 'tensorflow', 'compiled'],
  ['compiled', 'wasm', 'eager'],
  ['eager', 'tensorflow', 'eager'],
] as const)('with --engine %s on %s, the engine is %s', (asked, backend, given) => {
  expect(create(asked, 'float32', backend).name).toBe(given)
})

test('bfloat16 is refused on an eager engine', () => {
  expect(create('compiled', 'bfloat16', 'tensorflow').name).toBe('compiled')
  expect(() => create('compiled', 'bfloat16', 'wasm')).toThrow(expect.objectContaining({ code: 'precision-backend' }))
  expect(() => create('eager', 'bfloat16', 'tensorflow')).toThrow(
    expect.objectContaining({ code: 'precision-backend', hint: expect.stringContaining('--precision float32') }),
  )
})
