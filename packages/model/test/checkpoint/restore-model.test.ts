import { beforeAll, expect, test } from 'vitest'
import { buildModel } from '../../src/architectures/index.ts'
import { decodeCheckpoint } from '../../src/checkpoint/decode.ts'
import { encodeCheckpoint } from '../../src/checkpoint/encode.ts'
import { restoreModel } from '../../src/checkpoint/restore-model.ts'
import { createLayout } from '../../src/layout.ts'
import { usePlainJavaScript } from '../../src/tfjs.ts'
import { toTopology } from '../../src/topology.ts'
import { exampleCheckpoint } from './example.ts'

beforeAll(usePlainJavaScript)

function resnetCheckpoint() {
  const model = buildModel('resnet20', { classes: 10, seed: 1 })
  const layout = createLayout(model)
  const topology = toTopology(model)
  model.dispose()
  return { layout, topology, checkpoint: { ...exampleCheckpoint, topology, layoutHash: layout.hash } }
}

test('a decoded checkpoint restores its model', async () => {
  const { layout, topology, checkpoint } = resnetCheckpoint()
  const restored = await restoreModel(decodeCheckpoint(encodeCheckpoint(checkpoint)))
  expect(restored.layout).toEqual(layout)
  expect(toTopology(restored.model)).toBe(topology)
  restored.model.dispose()
})

test('a checkpoint whose layout differs from that of its model is rejected', async () => {
  const { layout, checkpoint } = resnetCheckpoint()
  await expect(restoreModel({ ...checkpoint, layoutHash: 'b'.repeat(64) })).rejects.toMatchObject({
    code: 'checkpoint-layout',
    received: layout.hash,
  })
})
