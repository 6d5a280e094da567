import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSummary, startCli } from '../support/cli.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-unlike-'))
  await writeFile(join(folder, 'token'), 'a token of more than sixteen characters\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a worker without TensorFlow next to one with more threads causes one warning, and the summary records it', async () => {
  const shared = ['--token-file', join(folder, 'token'), '--offline']
  const size = ['--dataset', 'synthetic', '--limit-train', '20', '--limit-test', '10', '--epochs', '1']
  const run = join(folder, 'run')
  const flags = ['--min-workers', '2', '--shards', '4', '--listen', '127.0.0.1:0', '--run-dir', run]
  const coordinator = startCli(['coordinator', ...size, ...shared, ...flags])
  const [, url] = await coordinator.printed(/listening on (ws:\/\/127\.0\.0\.1:\d+)/)
  const work = ['worker', '--connect', url!, ...shared]
  const whole = startCli([...work, '--name', 'whole', '--threads', '2'])
  await coordinator.printed(/worker 1 joined/)
  const bare = startCli([...work, '--name', 'bare'], { LOCKSTEP_CACHE_DIR: join(folder, 'empty') })
  const [ended] = await Promise.all([coordinator.ending, whole.ending, bare.ending])

  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  const warnings = `${ended.stdout}${ended.stderr}`.split('\n').filter(line => line.startsWith('WARNING'))
  expect(warnings).toEqual([
    expect.stringMatching(
      /^WARNING: unlike workers: worker 2 \(bare on \S+\) on WebAssembly SIMD; worker 1 \(whole on \S+\) on TensorFlow .*, 2 instead of 1 threads: the.* weights depend on who computes what\. `pnpm cli doctor` on /,
    ),
  ])
  expect(ended.stdout).toMatch(/^unlike +TensorFlow .*; WebAssembly SIMD: the weights depend on who computed what$/m)
  const summary = await readSummary(run)
  expect(summary.mixedBackends).toBe(true)
  expect(summary.perWorker.map(({ name, backend }) => [name, backend.split(' ')[0]])).toEqual([
    ['whole', 'TensorFlow'],
    ['bare', 'WebAssembly'],
  ])
})
