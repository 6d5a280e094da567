import { exampleRunConfig } from '@lockstep/protocol/testing'
import type { RunFacts } from '../../src/runs/run-facts.ts'

/** The contents of `config.json` of an example run. */
export const exampleFacts: RunFacts = {
  runId: 'r1',
  name: 'some-run',
  createdAt: '2026-03-01T09:00:00.000Z',
  dataSource: 'memory',
  dataSha256: 'a'.repeat(64),
  layoutHash: 'b'.repeat(64),
  classNames: ['left', 'right'],
  config: exampleRunConfig,
}
