import { buildModel, createLayout, readWeights, usePlainJavaScript } from '@lockstep/model'
import { expect, test } from 'vitest'
import { formats } from '../../src/export/formats.ts'
import { exampleFacts } from '../support/example-facts.ts'

test('a safetensors file contains the name of its model file but not the path', async () => {
  await usePlainJavaScript()
  const model = buildModel('reference', { classes: 2, seed: 1 })
  const weights = readWeights(model, createLayout(model))
  const facts = { ...exampleFacts, config: { ...exampleFacts.config, model: '/home/someone/wide-net.ts' } }
  const [contents] = formats.safetensors.encode({
    model,
    weights,
    identity: { weights: 'last', step: 1 },
    origin: 'memory',
    facts,
  })
  model.dispose()
  const file = Buffer.from(contents!)
  expect(file.includes('someone')).toBe(false)
  const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString())
  expect(JSON.parse(header.__metadata__.config)).toEqual({ ...exampleFacts.config, model: 'wide-net' })
})
