import { describe, expect, it } from 'vitest'
import { parseMetrics } from '../../src/runs/parse-metrics.ts'
import { exampleEpochs } from './example-runs.ts'

const epochs = exampleEpochs(3)
const lines = epochs.map(epoch => `${JSON.stringify(epoch)}\n`)

describe('the metrics of a run', () => {
  it('are read epoch by epoch', () => {
    expect(parseMetrics(lines.join(''), 'metrics.jsonl')).toEqual({ epochs, notices: [] })
  })

  it('can be empty', () => {
    expect(parseMetrics('', 'metrics.jsonl')).toEqual({ epochs: [], notices: [] })
  })

  it('can have lines of other types, such as steps, which are skipped', () => {
    const step = '{"type":"step","step":7,"loss":2.1}\n'
    expect(parseMetrics(step + lines[0] + step, 'metrics.jsonl').epochs).toEqual([epochs[0]])
  })

  it('can lack the line break at the end', () => {
    expect(parseMetrics(lines.join('').trimEnd(), 'metrics.jsonl')).toEqual({ epochs, notices: [] })
  })

  it.each([1, 10, 60])('can end with a line truncated after %d characters, which is skipped with a notice', length => {
    const text = `${lines[0]}${lines[1]}${lines[2]?.slice(0, length)}`
    expect(parseMetrics(text, 'run/metrics.jsonl')).toEqual({
      epochs: epochs.slice(0, 2),
      notices: ['run/metrics.jsonl, line 3 was cut off while it was written; it is left out.'],
    })
  })
})

describe('a damaged line', () => {
  it.each([
    ['no JSON', '{"type":"epoch","epo\n', /not JSON/],
    ['an empty line', '\n', /not JSON/],
    ['no object', '17\n', /expected object/],
    ['no type', '{"epoch":2}\n', /at type/],
    ['an epoch without its loss', '{"type":"epoch","epoch":2}\n', /at trainLoss/],
  ])('is rejected with file and line: %s', (_, line, received) => {
    expect(() => parseMetrics(lines[0] + line + lines[2], 'run/metrics.jsonl')).toThrowError(
      expect.objectContaining({
        code: 'run-damaged',
        message: 'run/metrics.jsonl, line 2: not a line of metrics',
        received: expect.stringMatching(received),
      }),
    )
  })
})
