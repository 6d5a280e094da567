import type { PhaseReport, RunSummary } from '@lockstep/coordinator'
import { describe, expect, test } from 'vitest'
import { phaseTable } from '../../src/train/phase-table.ts'

const own = { prepare: 0.2, wait: 7, receive: 0.5, reduce: 0.3, send: 0.4, optimizer: 1.1, other: 0.5 }

const reportOf = (workers: number): PhaseReport => ({
  coordinator: { steps: 1200, stepMs: 10, phases: own },
  workers: Array.from({ length: workers }, (_, index) => ({
    id: index + 1,
    steps: 1000,
    stepMs: 10,
    phases: { wait: 1 - index / 10, receive: 0.25, optimizer: 1, compute: 7 + index / 10, encode: 0.25, send: 0.05 },
  })),
})

const workerNamed = (id: number): RunSummary['perWorker'][number] => ({
  id,
  name: `local-${id}`,
  host: 'here',
  device: 'cpu',
  backend: 'TensorFlow 2.21.0, CPU',
  samples: 100,
  shards: 10,
  refused: 0,
  cause: null,
  outcome: 'stayed to the end',
})

const tableOf = (workers: number) =>
  phaseTable({ phases: reportOf(workers), perWorker: reportOf(workers).workers.map(({ id }) => workerNamed(id)) })

describe('the table of a step', () => {
  test('shows time and share of each phase and of all together', () => {
    expect(tableOf(2)).toEqual([
      'a step      coordinator      local-1      local-2',
      'wait        7.00   70 %  1.00   10 %  0.90    9 %',
      'prepare     0.20    2 %',
      'receive     0.50    5 %  0.25    3 %  0.25    3 %',
      'compute                  7.00   70 %  7.10   71 %',
      'encode                   0.25    3 %  0.25    3 %',
      'reduce      0.30    3 %',
      'send        0.40    4 %  0.05    1 %  0.05    1 %',
      'optimizer   1.10   11 %  1.00   10 %  1.00   10 %',
      'other       0.50    5 %',
      // 0.2 + 7 + 0.5 + 0.3 + 0.4 + 1.1 + 0.5 and 1 + 0.25 + 1 + 7 + 0.25 + 0.05
      'sum        10.00  100 %  9.55   96 %  9.55   96 %',
      'ms and share of a step of 10.00 ms, over 1,200 steps',
    ])
  })

  test('fits 80 columns with up to four workers', () => {
    for (const workers of [1, 2, 3, 4]) expect(Math.max(...tableOf(workers).map(line => line.length))).toBeLessThan(80)
  })

  test('shows the mean of many workers and the busiest one', () => {
    const [titles, ...lines] = tableOf(6)
    expect(titles).toBe('a step      coordinator  mean of 6 workers  busiest: local-6')
    expect(tableOf(4)[0]).toMatch(/ local-4$/)
    expect(tableOf(5)[0]).toMatch(/busiest: local-5$/)
    // Compute of 7 to 7.5 ms.
    expect(lines.find(line => line.startsWith('compute'))).toMatch(/7\.25 {3}7[23] % +7\.50 {3}75 %/)
  })

  test('shows as busiest the worker that computes for the largest share of its own steps', () => {
    const { coordinator, workers } = reportOf(6)
    // 7.6 of 20 ms are 38 %, and 7.5 of 10 ms 75 %.
    const late = { ...workers[0]!, stepMs: 20, phases: { ...workers[0]!.phases, compute: 7.6 } }
    const phases = { coordinator, workers: [late, ...workers.slice(1)] }
    const perWorker = workers.map(({ id }) => workerNamed(id))
    expect(phaseTable({ phases, perWorker })[0]).toMatch(/busiest: local-6$/)
  })

  test('is empty if no step was measured', () => {
    expect(phaseTable({ phases: null, perWorker: [] })).toEqual([])
  })
})
