import { expect, test } from 'vitest'
import { createTerminalReporter } from '../../src/train/terminal-reporter.ts'
import { exampleFacts } from '../support/example-facts.ts'
import { createPlainStream } from '../terminal/fake-terminal.ts'

/** The lines about shards as workers join one after the other. */
function saidOfShards({ shards, workersWanted, joining }: Readonly<Record<string, number>>): readonly string[] {
  const { stream, text } = createPlainStream()
  const config = { ...exampleFacts.config, shards: shards! }
  const reporter = createTerminalReporter({
    stream,
    config,
    trainSamples: 100,
    workersWanted: workersWanted!,
    quorum: 1,
  })
  for (let id = 1; id <= joining!; id++) {
    const worker = { id, name: `w${id}`, host: 'h', device: 'cpu', cores: 2, backend: 'b' }
    reporter.event({ type: 'worker-joined', worker, active: id })
  }
  void reporter.stop()
  return text()
    .split('\n')
    .filter(line => line.includes('shard'))
}

test('more workers than shards are reported once, with the flag that gives each of them one', () => {
  expect(saidOfShards({ shards: 1, workersWanted: 1, joining: 3 })).toEqual([
    '2 workers for 1 shard: 1 has nothing to do in a step; a new run with --shards 2 has one for each',
  ])
  expect(saidOfShards({ shards: 2, workersWanted: 1, joining: 2 })).toEqual([])
})

test('more workers than shards are not reported when they join if the run expected them', () => {
  expect(saidOfShards({ shards: 2, workersWanted: 3, joining: 3 })).toEqual([])
})
