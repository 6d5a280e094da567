import { expect, test } from 'vitest'
import { type Chart, describeChart } from '../../src/plots/chart.ts'

type Layer = { readonly mark: { readonly text?: string; readonly align?: string; readonly type?: string } }

/** The layers of a validation loss over 11 epochs that is lowest at this one. */
function layersOf(lowestEpoch: number, epochs = 11): readonly Layer[] {
  const points = Array.from({ length: epochs }, (_, index) => ({
    epoch: index + 1,
    value: index + 1 === lowestEpoch ? 1 : 2,
  }))
  const curves = [{ name: 'validation', points }]
  const chart: Chart = { title: '', subtitle: '', metric: 'loss', curves, best: 'validation', names: 'none' }
  return (describeChart(chart) as unknown as { readonly layer: readonly Layer[] }).layer
}

test.each([
  [1, 'left'],
  [6, 'left'],
  [7, 'right'],
  [11, 'right'],
])('what is said of the best epoch, here %d of 11, stands on its %s end towards the middle', (lowestEpoch, align) => {
  const label = layersOf(lowestEpoch).findLast(({ mark }) => mark.text?.startsWith('lowest'))
  expect(label?.mark).toMatchObject({ text: `lowest: 1.0000 at epoch ${lowestEpoch}`, align })
})

test.each([
  [40, 2],
  [41, 1],
])('of %d epochs %d layers are dots: of up to 40 each has one, and the best in any case', (epochs, layers) => {
  expect(layersOf(1, epochs).filter(({ mark }) => mark.type === 'point')).toHaveLength(layers)
})
