import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunSummary } from '@lockstep/coordinator'
import { cifar10, synthesizeCifar } from '@lockstep/data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countStayed, readSummary, runCli, strikeAt } from '../support/cli.ts'

// 310 samples of which 248 train: 4 batches of 50 and one of 48, whose 4 shards are 12 samples each.
const size = ['--limit-train', '310', '--limit-test', '60', '--epochs', '2', '--shards', '4']

describe('workers that exchange gradients among themselves', () => {
  let folder = ''
  let run: readonly string[] = []
  let star: RunSummary

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-direct-'))
    await synthesizeCifar({ format: cifar10, folder, seed: 1 })
    run = ['train', '--dataset', 'cifar10', '--data-dir', folder, ...size, '--offline']
    star = await trained('star', ['--workers', '2', '--topology', 'star'])
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function trained(name: string, args: readonly string[], environment = {}): Promise<RunSummary> {
    const ended = await runCli([...run, ...args, '--run-dir', join(folder, name)], environment)
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    return readSummary(join(folder, name))
  }

  test.each([1, 2, 3])('train the same weights as through the coordinator (%i workers)', async workers => {
    const summary = await trained(`direct-${workers}`, ['--workers', String(workers), '--topology', 'direct'])
    expect(star.topology).toBe('star')
    // A worker alone has nobody to exchange with.
    expect(summary.topology).toBe(workers === 1 ? 'star' : 'direct')
    expect(summary.weightsSha256).toBe(star.weightsSha256)
    expect(summary.test).toEqual(star.test)
    expect(summary.perWorker.reduce((sum, worker) => sum + worker.samples, 0)).toBe(2 * 248)
  })

  test('train the same weights when one of them is killed in the middle', async () => {
    const strike = strikeAt(/epoch 1\/2/, 'SIGKILL', 'a worker')
    const summary = await trained('killed', ['--workers', '3', '--topology', 'direct'], strike)
    expect(summary.weightsSha256).toBe(star.weightsSha256)
    expect(countStayed(summary, 3)).toBe(2)
  })

  test('are refused where links had to be encrypted', async () => {
    const tls = ['--tls-cert', 'cert.pem', '--tls-key', 'key.pem']
    const ended = await runCli([...run, '--topology', 'direct', ...tls])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(/links between workers are not encrypted/)
  })
})
