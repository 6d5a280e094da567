import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { comparisonCharts, writeComparison } from '../../src/plots/comparison.ts'
import { readRun } from '../../src/runs/read-run.ts'
import {
  type ExampleRun,
  exampleEpochs,
  makeTemporaryFolder,
  withoutValidation,
  writeExampleRun,
} from '../runs/example-runs.ts'
import { readDrawing } from './read-drawing.ts'

async function makeRecords(runs: readonly ExampleRun[]) {
  const folder = await makeTemporaryFolder()
  return Promise.all(
    runs.map(async (run, index) => readRun(await writeExampleRun(folder, `2026-03-0${index + 1}-run`, run))),
  )
}

async function legendOf(runs: readonly ExampleRun[]) {
  const curves = comparisonCharts(await makeRecords(runs))['validation-loss']?.curves ?? []
  return curves.map(curve => curve.name.replace(' · 0.8650 at epoch 6', ''))
}

describe('a comparison', () => {
  it('overlays the curves of runs of different lengths', async () => {
    const runs = await makeRecords([
      { name: 'short', epochs: exampleEpochs(7) },
      { name: 'long', epochs: exampleEpochs(30) },
    ])
    const out = join(await makeTemporaryFolder(), 'a', 'b')
    const files = await writeComparison(runs, out)
    expect(files.map(file => file.slice(out.length + 1))).toEqual([
      'validation-loss.svg',
      'validation-loss.png',
      'validation-accuracy.svg',
      'validation-accuracy.png',
      'train-loss.svg',
      'train-loss.png',
      'train-accuracy.svg',
      'train-accuracy.png',
    ])
    const drawing = await readDrawing(join(out, 'validation-loss.svg'))
    expect(drawing.title).toBe('Validation loss: reference net on CIFAR-10')
    expect(drawing.curves.map(curve => curve.points.length)).toEqual([7, 30])
    expect(drawing.legend).toEqual(['short (epochs 7) · 0.8650 at epoch 6', 'long (epochs 30) · 0.8650 at epoch 6'])
    expect(drawing.dots.filter(dot => dot.radius > 5)).toHaveLength(2)
  })

  it('distinguishes nine runs by colour and pattern', async () => {
    const runs = await makeRecords(Array.from({ length: 9 }, (_, index) => ({ config: { seed: index } })))
    const out = await makeTemporaryFolder()
    await writeComparison(runs, out)
    const { curves } = await readDrawing(join(out, 'validation-accuracy.svg'))
    expect(new Set(curves.map(curve => `${curve.color} ${curve.dash}`)).size).toBe(9)
  })

  it('draws equal curves as stripes, as for runs that differ only in their workers', async () => {
    const runs = await makeRecords([{}, { summary: { workers: 2 } }, { summary: { workers: 1 } }])
    const out = await makeTemporaryFolder()
    await writeComparison(runs, out)
    const { curves, subtitle } = await readDrawing(join(out, 'validation-loss.svg'))
    expect(subtitle).toBe('3 runs; a dot marks the lowest point of each, stripes where runs are equal')
    // Stripes of 10 pixels: the second leaves every third one to the first, the last takes every third one.
    expect(curves.map(curve => curve.dash)).toEqual(['', '20,10', '10,20'])
  })

  it('omits runs without validation from the charts of validation', async () => {
    const runs = await makeRecords([
      { name: 'a' },
      { name: 'b', epochs: withoutValidation(exampleEpochs(10)), config: { validationSplit: 0 } },
    ])
    const charts = comparisonCharts(runs)
    expect(charts['validation-loss']?.curves).toHaveLength(1)
    expect(charts['validation-loss']?.subtitle).toBe('1 run; a dot marks the lowest point of each')
    expect(charts['train-loss']?.curves).toHaveLength(2)
  })

  it('names every data set in its title', async () => {
    const runs = await makeRecords([{}, { config: { dataset: 'cifar100' } }])
    expect(comparisonCharts(runs)['train-loss']?.title).toBe(
      'Training loss: reference net on CIFAR-10, reference net on CIFAR-100',
    )
  })

  it('draws nothing if no run has an epoch', async () => {
    const runs = await makeRecords([
      { epochs: [], summary: null },
      { epochs: [], summary: null },
    ])
    const out = await makeTemporaryFolder()
    expect(await writeComparison(runs, out)).toEqual([])
    expect(await readdir(out)).toEqual([])
  })
})

describe('the legend', () => {
  it('names runs by their name', async () => {
    expect(await legendOf([{ name: 'a' }, { name: 'b' }])).toEqual(['a', 'b'])
  })

  it('adds the one or two configuration keys in which they differ', async () => {
    const config = { batchSize: 100, learningRate: 0.002 }
    expect(await legendOf([{}, { config }])).toEqual([
      'reference (batchSize 50, learningRate 0.001)',
      'reference (batchSize 100, learningRate 0.002)',
    ])
  })

  it('names models by the names of their files', async () => {
    expect(await legendOf([{}, { config: { model: '/somewhere/models/wide-net.ts' } }])).toEqual([
      'reference (model reference)',
      'reference (model wide-net)',
    ])
  })

  it('names models by their paths if their files have the same name', async () => {
    const files = ['/first/net.ts', '/second/net.ts', '/second/wide.ts']
    expect(await legendOf(files.map(model => ({ config: { model } })))).toEqual([
      'reference (model /first/net.ts)',
      'reference (model /second/net.ts)',
      'reference (model wide)',
    ])
  })

  it('truncates names that are too long for the width of a chart', async () => {
    const [first] = await legendOf([{ name: 'a'.repeat(70) }, { name: 'b' }])
    expect(first).toBe(`${'a'.repeat(61)}…`)
  })

  it('names the folders if three keys differ and the names do not', async () => {
    const config = { batchSize: 100, learningRate: 0.002, seed: 7 }
    expect(await legendOf([{}, { config }])).toEqual(['2026-03-01-run', '2026-03-02-run'])
  })

  it('adds the worker counts if the configurations are equal', async () => {
    expect(await legendOf([{}, { summary: { workers: 2 } }])).toEqual([
      'reference (workers 4)',
      'reference (workers 2)',
    ])
  })

  it('numbers runs that nothing else distinguishes', async () => {
    const record = (await makeRecords([{}]))[0]!
    const curves = comparisonCharts([record, { ...record, folder: `/elsewhere/${record.folder}` }])['train-loss']
      ?.curves
    expect(curves?.map(curve => curve.name.split(' · ')[0])).toEqual(['1: 2026-03-01-run', '2: 2026-03-01-run'])
  })
})
