import { expect, test } from 'vitest'
import { type Chart, describeChart } from '../../src/plots/chart.ts'
import type { Point } from '../../src/plots/curves.ts'

type Mark = { readonly type: string; readonly text?: string; readonly align?: string }
type Layer = {
  readonly data: { readonly values: readonly Point[] }
  readonly mark: Mark
  readonly layer?: readonly Layer[]
}

/** The layers of a chart of these curves over the epochs, with nested layers flattened. */
function layersOf(curves: Readonly<Record<string, readonly number[]>>, changes: Partial<Chart> = {}): readonly Layer[] {
  const named = Object.entries(curves).map(([name, values]) => ({
    name,
    points: values.map((value, index) => ({ epoch: index + 1, value })),
  }))
  const best = named[0]!.name
  const chart: Chart = { title: '', subtitle: '', metric: 'loss', curves: named, best, names: 'none', ...changes }
  const { layer } = describeChart(chart) as unknown as { readonly layer: readonly Layer[] }
  return layer.flatMap(each => each.layer ?? [each])
}

/** The layer of this text, in front of its halo. */
function textIn(layers: readonly Layer[], text: RegExp): Layer {
  return layers.findLast(({ mark }) => text.test(mark.text ?? ''))!
}

/** Values that are 1 at `epoch` and 2 elsewhere. */
function dipAt(epoch: number, epochs = 11): readonly number[] {
  return Array.from({ length: epochs }, (_, index) => (index + 1 === epoch ? 1 : 2))
}

test.each([
  [1, 'left'],
  [6, 'left'],
  [7, 'right'],
  [11, 'right'],
])('the label of the best epoch, %d of 11, is aligned %s', (epoch, align) => {
  const { mark } = textIn(layersOf({ validation: dipAt(epoch) }), /^lowest/)
  expect(mark).toMatchObject({ text: `lowest: 1.0000 at epoch ${epoch}`, align })
})

test('the label of the best epoch is above losses and below accuracies', () => {
  const [loss] = textIn(layersOf({ validation: dipAt(2) }), /^lowest/).data.values
  const [accuracy] = textIn(layersOf({ validation: [50, 70] }, { metric: 'accuracy' }), /^highest/).data.values
  expect([loss!.epoch, accuracy!.epoch]).toEqual([2, 2])
  expect(loss!.value).toBeGreaterThan(2)
  expect(accuracy!.value).toBeLessThan(50)
})

test('curves are labelled beside their ends', () => {
  const layers = layersOf({ validation: [2, 3, 4], train: [2, 1] }, { names: 'beside' })
  expect(textIn(layers, /^validation/).data.values).toEqual([{ epoch: 3, value: 4 }])
  expect(textIn(layers, /^train/).data.values).toEqual([{ epoch: 3, value: 1 }])
})

test.each([
  [40, 2],
  [41, 1],
])('all of at most 40 epochs and the best epoch have dots: %d epochs, layers of dots: %d', (epochs, layers) => {
  expect(layersOf({ validation: dipAt(1, epochs) }).filter(({ mark }) => mark.type === 'point')).toHaveLength(layers)
})
