import type { RunSummary } from '@lockstep/coordinator'
import { beforeAll, describe, expect, test } from 'vitest'
import { countStayed, runCli, strikeAt } from '../support/cli.ts'
import { useSmallRuns } from '../support/small-runs.ts'

describe('workers that exchange gradients directly', () => {
  const { line, trained } = useSmallRuns()
  const run = [...line, '--epochs', '2', '--shards', '4']
  let star: RunSummary

  beforeAll(async () => {
    star = await trained('star', [...run, '--workers', '2', '--topology', 'star'])
  })

  test.each([1, 2, 3])('train the same weights as through the coordinator (%i workers)', async workers => {
    const summary = await trained(`direct-${workers}`, [...run, '--workers', `${workers}`, '--topology', 'direct'])
    expect(star.topology).toBe('star')
    // A single worker cannot exchange anything.
    expect(summary.topology).toBe(workers === 1 ? 'star' : 'direct')
    expect(summary.weightsSha256).toBe(star.weightsSha256)
    expect(summary.test).toEqual(star.test)
    expect(summary.perWorker.reduce((sum, worker) => sum + worker.samples, 0)).toBe(2 * 248)
  })

  test('train the same weights if one of them is killed', async () => {
    const strike = strikeAt(/epoch 1\/2/, 'SIGKILL', 'a worker')
    const summary = await trained('killed', [...run, '--workers', '3', '--topology', 'direct'], strike)
    expect(summary.weightsSha256).toBe(star.weightsSha256)
    expect(countStayed(summary, 3)).toBe(2)
  })

  test('are rejected with TLS, because links between workers are not encrypted', async () => {
    const tls = ['--tls-cert', 'cert.pem', '--tls-key', 'key.pem']
    const ended = await runCli([...run, '--topology', 'direct', ...tls])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(/links between workers are not encrypted/)
  })
})
