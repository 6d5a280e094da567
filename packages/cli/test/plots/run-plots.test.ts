import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decode } from 'fast-png'
import { describe, expect, it } from 'vitest'
import { writeRunPlots } from '../../src/plots/run-plots.ts'
import {
  type ExampleRun,
  exampleEpochs,
  makeTemporaryFolder,
  withoutValidation,
  writeExampleRun,
} from '../runs/example-runs.ts'
import { readDrawing } from './read-drawing.ts'

const chartNames = ['accuracy', 'loss', 'validation-accuracy', 'validation-loss']
const blue = '#0072B2'
const vermillion = '#D55E00'

async function drawRun(run: ExampleRun) {
  const folder = await writeExampleRun(await makeTemporaryFolder(), 'drawn', run)
  const files = await writeRunPlots(folder)
  return { plots: join(folder, 'plots'), files }
}

describe('the plots of a run', () => {
  it('are an SVG and a PNG of loss and accuracy, each for validation alone and together with training', async () => {
    const { plots, files } = await drawRun({})
    const expected = chartNames.flatMap(name => [`${name}.png`, `${name}.svg`]).sort()
    expect((await readdir(plots)).sort()).toEqual(expected)
    expect([...files].sort()).toEqual(expected.map(name => join(plots, name)))
  })

  it('include the learning rate if it changes', async () => {
    const epochs = exampleEpochs(10).map(epoch => ({ ...epoch, learningRate: epoch.epoch < 6 ? 0.1 : 0.01 }))
    const { plots, files } = await drawRun({ epochs })
    expect(files).toHaveLength(10)
    const drawing = await readDrawing(join(plots, 'learning-rate.svg'))
    expect(drawing).toMatchObject({ title: 'Learning rate: reference net on CIFAR-10', notes: [] })
    expect(drawing.axisTitles).toEqual(['epoch', 'learning rate'])
    const heights = drawing.curves[0]!.points.map(point => point[1])
    expect(heights).toEqual(heights.toSorted((a, b) => a - b))
  })

  it('show model, data set, settings and test accuracy', async () => {
    const { plots } = await drawRun({ name: 'morning' })
    const drawing = await readDrawing(join(plots, 'validation-loss.svg'))
    expect(drawing).toMatchObject({
      title: 'Validation loss: reference net on CIFAR-10',
      subtitle: 'morning · batch 50 · Adam 0.001 · 4 workers · test accuracy 69.5 %',
      axisTitles: ['epoch', 'cross-entropy loss (nats)'],
      background: 'white',
      legend: [],
    })
    expect((await readDrawing(join(plots, 'accuracy.svg'))).axisTitles).toEqual(['epoch', 'accuracy (%)'])
  })

  it('truncate a long name and not the result of the run', async () => {
    const { plots } = await drawRun({ name: `2026-11-30T20-58-25-${'wide-net-'.repeat(5)}cifar10` })
    const { subtitle } = await readDrawing(join(plots, 'validation-loss.svg'))
    // 94 characters, 59 of them after the name.
    expect(subtitle).toBe(
      '2026-11-30T20-58-25-wide-net-wide-… · batch 50 · Adam 0.001 · 4 workers · test accuracy 69.5 %',
    )
  })

  it('mark and label the lowest loss and the highest accuracy', async () => {
    const { plots } = await drawRun({ epochs: exampleEpochs(20) })
    const loss = await readDrawing(join(plots, 'validation-loss.svg'))
    const accuracy = await readDrawing(join(plots, 'validation-accuracy.svg'))
    // 1.4 - 5 * 0.107 at epoch 6; Keras's best accuracy is that of epoch 8 in the example.
    expect(loss.notes).toEqual(['lowest: 0.8650 at epoch 6'])
    expect(accuracy.notes).toEqual(['highest: 70.4 % at epoch 8'])
    const largest = loss.dots.toSorted((a, b) => b.radius - a.radius)[0]
    expect(largest?.label).toBe('epoch: 6; value: 0.865')
  })

  it('label the curves of training and validation, each in its colour', async () => {
    const { plots } = await drawRun({ epochs: exampleEpochs(20) })
    const loss = await readDrawing(join(plots, 'loss.svg'))
    expect(loss.title).toBe('Training and validation loss: reference net on CIFAR-10')
    expect(loss.notes).toEqual(['lowest validation: 0.8650 at epoch 6', 'validation', 'train'])
    expect(loss.curves.map(curve => curve.color)).toEqual([blue, vermillion])
    // The net overfits: at the end the training loss is lower, which is further down, at a larger y.
    const [validation, train] = loss.curves.map(curve => curve.points.at(-1)?.[1] ?? 0)
    expect(train).toBeGreaterThan(validation ?? 0)
  })

  it.each([2, 20, 100, 500])('have evenly spaced points for %d epochs', async count => {
    const { plots } = await drawRun({ epochs: exampleEpochs(count) })
    const drawing = await readDrawing(join(plots, 'loss.svg'))
    expect(drawing.curves.map(curve => curve.points.length)).toEqual([count, count])
    const columns = drawing.curves[0]?.points.map(point => point[0]) ?? []
    const first = columns[0] ?? 0
    // 600 pixels less 10 of padding on either side.
    expect(first).toBeCloseTo(10, 6)
    expect(columns.at(-1)).toBeCloseTo(590, 6)
    expect(columns[1]).toBeCloseTo(10 + 580 / (count - 1), 3)
    expect(drawing.epochTicks.every(tick => /^\d+$/.test(tick))).toBe(true)
    expect(drawing.epochTicks.at(-1)).toBe(String(count))
  })

  it('have a dot for a single epoch', async () => {
    const { plots } = await drawRun({ epochs: exampleEpochs(1) })
    const drawing = await readDrawing(join(plots, 'validation-loss.svg'))
    expect(drawing.epochTicks).toEqual(['1'])
    expect(drawing.dots.map(dot => dot.label)).toContain('epoch: 1; value: 1.4')
    expect(drawing.notes).toEqual(['lowest: 1.4000 at epoch 1'])
  })

  it('show only training without validation', async () => {
    const { plots } = await drawRun({
      epochs: withoutValidation(exampleEpochs(12)),
      config: { dataset: 'synthetic' },
      summary: null,
    })
    expect((await readdir(plots)).sort()).toEqual(['accuracy.png', 'accuracy.svg', 'loss.png', 'loss.svg'])
    const drawing = await readDrawing(join(plots, 'accuracy.svg'))
    expect(drawing.title).toBe('Training accuracy: reference net on the synthetic set')
    expect(drawing.subtitle).toBe('reference · batch 50 · Adam 0.001 · unfinished')
    expect(drawing.curves.map(curve => curve.points.length)).toEqual([12])
    expect(drawing.notes).toEqual([expect.stringMatching(/^highest: 81\.\d % at epoch 12$/)])
  })

  it('abbreviate large losses beside the axis', async () => {
    const epochs = exampleEpochs(3).map(epoch => ({ ...epoch, validationLoss: epoch.validationLoss! * 1e6 }))
    const { plots } = await drawRun({ epochs })
    expect((await readDrawing(join(plots, 'validation-loss.svg'))).valueTicks).toContain('1.4M')
  })

  it('are not written before the first epoch has ended', async () => {
    const folder = await writeExampleRun(await makeTemporaryFolder(), 'new', { epochs: [], summary: null })
    expect(await writeRunPlots(folder)).toEqual([])
    expect(await readdir(folder)).not.toContain('plots')
  })

  it('replace older ones', async () => {
    const folder = await writeExampleRun(await makeTemporaryFolder(), 'again')
    await mkdir(join(folder, 'plots'))
    await writeFile(join(folder, 'plots', 'loss.svg'), 'old')
    await writeRunPlots(folder)
    expect((await readDrawing(join(folder, 'plots', 'loss.svg'))).curves).toHaveLength(2)
    expect(await readdir(join(folder, 'plots'))).toHaveLength(8)
  })

  it('fail if the folder cannot be created', async () => {
    const folder = await writeExampleRun(await makeTemporaryFolder(), 'taken')
    await writeFile(join(folder, 'plots'), '')
    await expect(writeRunPlots(folder)).rejects.toMatchObject({ code: 'file-not-written', kind: 'world' })
  })
})

describe('the PNG of a plot', () => {
  it('has twice the resolution of the SVG, a white background and both curves in their colours', async () => {
    const { plots } = await drawRun({ epochs: exampleEpochs(20) })
    const image = decode(await readFile(join(plots, 'loss.png')))
    // 600 by 320 inside the axes, 74 + 96 beside and 66 + 52 above and below them.
    expect([image.width, image.height]).toEqual([2 * 770, 2 * 438])
    expect([...image.data.slice(0, 3)]).toEqual([255, 255, 255])
    expect(countPixels(image, [0x00, 0x72, 0xb2])).toBeGreaterThan(1000)
    expect(countPixels(image, [0xd5, 0x5e, 0x00])).toBeGreaterThan(1000)
  })

  it('has text, drawn with the bundled fonts', async () => {
    const { plots } = await drawRun({ epochs: exampleEpochs(1) })
    const image = decode(await readFile(join(plots, 'validation-loss.png')))
    // The colour of title and label, #262626.
    expect(countPixels(image, [0x26, 0x26, 0x26])).toBeGreaterThan(500)
  })
})

function countPixels(image: ReturnType<typeof decode>, color: readonly number[]): number {
  let count = 0
  for (let at = 0; at < image.data.length; at += image.channels) {
    if (color.every((value, channel) => image.data[at + channel] === value)) count++
  }
  return count
}
