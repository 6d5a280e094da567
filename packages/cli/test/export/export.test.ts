import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fromLayersModelFiles, predictProbabilities } from '@lockstep/model'
import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { expect, test } from 'vitest'
import { readSummary, runCli } from '../support/cli.ts'
import { useTinyRun } from '../support/tiny-run.ts'

// With batch normalization, whose statistics are weights too.
const { folder, run } = useTinyRun('--model', 'resnet20')

async function exportTo(place: string, format: string, ...flags: readonly string[]): Promise<void> {
  const ended = await runCli(['export', run, '--format', format, '--out', place, '--offline', ...flags])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
}

async function readSafetensors(file: string) {
  const bytes = await readFile(file)
  const start = 8 + Number(bytes.readBigUInt64LE(0))
  const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.subarray(8, start).toString())
  return { metadata, tensors, data: bytes.subarray(start) }
}

test('a SavedModel is written into the run folder by default, with class names and the identity of its weights', async () => {
  const ended = await runCli(['export', run, '--format', 'saved-model', '--offline'])
  const place = join(run, 'export', 'saved-model')
  expect(ended.stdout.split('\n')).toEqual([
    expect.stringMatching(`^${join(place, 'saved_model.pb')} \\(\\d\\.\\d MB\\)$`),
    expect.stringMatching(`^${join(place, 'assets.extra', 'labels.txt')} \\(\\d+ B\\)$`),
    expect.stringMatching(`^${join(place, 'assets.extra', 'weights.json')} \\(\\d+ B\\)$`),
    '',
  ])
  const { classNames } = JSON.parse(await readFile(join(run, 'config.json'), 'utf8'))
  expect((await readFile(join(place, 'assets.extra', 'labels.txt'), 'utf8')).split('\n')).toEqual([...classNames, ''])
  const { steps, weightsSha256 } = await readSummary(run)
  expect(JSON.parse(await readFile(join(place, 'assets.extra', 'weights.json'), 'utf8'))).toEqual({
    weights: 'last',
    step: steps,
    weightsSha256,
  })
})

test('the SavedModel predicts the same as the model in the run folder', async () => {
  const place = join(folder, 'saved-model')
  await exportTo(place, 'saved-model')
  await useTensorFlow()
  const model = await fromLayersModelFiles({
    'model.json': await readFile(join(run, 'model', 'model.json'), 'utf8'),
    'weights.bin': await readFile(join(run, 'model', 'weights.bin')),
  })
  const require = createRequire(new URL('../../../tensorflow/package.json', import.meta.url))
  const tfjsNode = require('@tensorflow/tfjs-node')
  const saved = await tfjsNode.node.loadSavedModel(place)
  for (const count of [1, 5]) {
    const pixels = Uint8Array.from({ length: count * 32 * 32 * 3 }, (_, index) => (index * index) % 251)
    const expected = predictProbabilities(model, pixels)
    const received = saved.predict({ pixels: tfjsNode.tensor(Int32Array.from(pixels), [count, 32, 32, 3], 'int32') })
    const probabilities: Float32Array = received.probabilities.dataSync()
    expect(probabilities).toHaveLength(10 * count)
    expect(Math.max(...probabilities.map((value, index) => Math.abs(value - expected[index]!)))).toBeLessThan(1e-5)
  }
})

test('an exported LayersModel has the same bytes as that of the run folder', async () => {
  await exportTo(join(folder, 'tfjs'), 'tfjs')
  for (const name of ['model.json', 'weights.bin']) {
    expect(await readFile(join(folder, 'tfjs', name))).toEqual(await readFile(join(run, 'model', name)))
  }
})

test('a SavedModel needs TensorFlow, which the error says', async () => {
  const place = join(folder, 'without-tensorflow')
  const words = ['export', run, '--format', 'saved-model', '--out', place, '--offline']
  const ended = await runCli(words, { LOCKSTEP_CACHE_DIR: join(folder, 'empty-cache') })
  expect(ended).toMatchObject({ code: 1, stdout: '' })
  expect(ended.stderr).toMatch(
    /^lockstep: a SavedModel can only be exported with TensorFlow\n {2}Run `pnpm cli doctor`/m,
  )
  await expect(readFile(join(place, 'saved_model.pb'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a safetensors file contains all weights and their identity', async () => {
  const file = join(folder, 'model.safetensors')
  await exportTo(file, 'safetensors')
  const { metadata, tensors, data } = await readSafetensors(file)
  expect(metadata.weightsSha256).toBe((await readSummary(run)).weightsSha256)
  expect(JSON.parse(metadata.config)).toMatchObject({ model: 'resnet20', epochs: 1 })
  expect(JSON.parse(metadata.classNames)).toHaveLength(10)
  expect(data).toEqual(await readFile(join(run, 'model', 'weights.bin')))
  const { weightsManifest } = JSON.parse(await readFile(join(run, 'model', 'model.json'), 'utf8'))
  const shapes = weightsManifest[0].weights.map(({ name, shape }: { name: string; shape: number[] }) => [name, shape])
  expect(Object.entries<{ shape: number[] }>(tensors).map(([name, { shape }]) => [name, shape])).toEqual(shapes)
})

test('a run that was killed before it saved its model is exported from its newest checkpoint', async () => {
  const killed = join(folder, 'killed')
  await cp(run, killed, { recursive: true })
  await rm(join(killed, 'model'), { recursive: true })
  const ended = await runCli(['export', killed, '--format', 'tfjs', '--offline'])
  expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/^from checkpoint of step \d+$/m) })
  const weights = await readFile(join(killed, 'export', 'tfjs', 'weights.bin'))
  expect(weights).toEqual(await readFile(join(run, 'model', 'weights.bin')))
})

test('the error for a damaged model says what to do', async () => {
  const torn = join(folder, 'torn')
  await cp(run, torn, { recursive: true })
  await truncate(join(torn, 'model', 'weights.bin'), 1000)
  const ended = await runCli(['export', torn, '--format', 'tfjs', '--offline'])
  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain(
    `lockstep: ${join(torn, 'model')} is damaged: received weights.bin has 1000 bytes where`,
  )
  expect(ended.stderr).toMatch(/^ {2}Move that folder away: .* newest checkpoint\.$/m)
})

test('a run that was resumed after its end and then killed is exported from its newest checkpoint', async () => {
  const resumed = join(folder, 'resumed')
  await cp(run, resumed, { recursive: true })
  const ended = await runCli(['train', '--resume', resumed, '--epochs', '2', '--workers', '1', '--offline'])
  expect(ended.code, ended.stderr).toBe(0)
  const goneOn = await readFile(join(resumed, 'model', 'weights.bin'))
  // As after a kill just after the last checkpoint.
  for (const name of ['model', 'summary.json']) await cp(join(run, name), join(resumed, name), { recursive: true })
  expect(await runCli(['export', resumed, '--format', 'tfjs', '--offline'])).toMatchObject({ code: 0 })
  expect(await readFile(join(resumed, 'export', 'tfjs', 'weights.bin'))).toEqual(goneOn)
  expect(goneOn).not.toEqual(await readFile(join(run, 'model', 'weights.bin')))
})

test.each([
  ['without --force', []],
  ['with --force', ['--force']],
])('a folder is rejected as the name of a file, %s', async (_, flags) => {
  const ended = await runCli(['export', run, '--format', 'safetensors', '--out', folder, ...flags])
  expect(ended).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`${folder} is a folder: expected a file name\n`),
  })
})

test('an existing file is overwritten only with --force', async () => {
  const file = join(folder, 'precious.txt')
  await writeFile(file, 'precious')
  const ended = await runCli(['export', run, '--format', 'safetensors', '--out', file])
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/precious\.txt is there already\n.*--force/) })
  expect(await readFile(file, 'utf8')).toBe('precious')
  await exportTo(file, 'safetensors', '--force')
  expect((await readSafetensors(file)).metadata.weightsSha256).toBeDefined()
})

test('a place that cannot be written to is reported', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  const ended = await runCli(['export', run, '--format', 'safetensors', '--out', join(file, 'model.safetensors')])
  expect(ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/model\.safetensors cannot be written: .*ENOTDIR/),
  })
})

test('an unknown format and an unknown run are usage errors', async () => {
  expect(await runCli(['export', run, '--format', 'onnx'])).toMatchObject({ code: 2 })
  expect(await runCli(['export', join(folder, 'none'), '--format', 'tfjs'])).toMatchObject({ code: 2 })
})
