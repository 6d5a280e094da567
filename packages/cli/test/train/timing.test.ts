import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stepMetricsSchema } from '@lockstep/coordinator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSummary, runCli } from '../support/cli.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-timing-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a run reports the time of its steps in a table, its summary, a line per step and a trace', async () => {
  const [place, trace] = [join(folder, 'run'), join(folder, 'trace.json')]
  // 500 samples in batches of 5 are 100 steps, of which 80 come after the warm-up.
  const size = [
    '--limit-train',
    '500',
    '--limit-test',
    '10',
    '--batch-size',
    '5',
    '--epochs',
    '1',
    '--validation-split',
    '0',
  ]
  const timing = ['--log-steps', '--trace', trace, '--trace-steps', '60']
  const run = ['train', '--dataset', 'synthetic', '--offline', '--workers', '2', '--run-dir', place]
  const ended = await runCli([...run, ...size, ...timing])
  expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
  expect(ended.stdout).toMatch(/^a step +coordinator +local-[12] +local-[12]\nwait .*\n(.*\n)+sum .*\nms and share/m)

  const { coordinator, workers } = (await readSummary(place)).phases!
  expect(coordinator.steps).toBe(80)
  expect(workers.map(({ id }) => id).sort()).toEqual([1, 2])
  for (const { phases, stepMs } of [coordinator, ...workers]) {
    const share = Object.values(phases).reduce((sum, ms) => sum + ms, 0) / stepMs
    expect(share).toBeGreaterThan(0.95)
    expect(share).toBeLessThan(1.05)
  }

  const lines = (await readFile(join(place, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines.map(({ type }) => type)).toEqual([...Array.from({ length: 100 }, () => 'step'), 'epoch'])
  for (const step of lines.slice(0, -1)) expect(stepMetricsSchema.parse(step)).toEqual(step)
  expect((await runCli(['plot', place])).code).toBe(0)

  const { traceEvents } = JSON.parse(await readFile(trace, 'utf8'))
  const count = (pid: number, name: string) =>
    traceEvents.filter((event: { pid: number; name: string }) => event.pid === pid && event.name === name).length
  expect([count(1, 'step'), count(2, 'process_name'), count(3, 'process_name')]).toEqual([60, 1, 1])
  expect(Math.min(count(2, 'compute'), count(3, 'compute'))).toBeGreaterThan(0)
})

test('a trace that cannot be written fails the run before it begins', async () => {
  const place = join(folder, 'untraced')
  const size = ['--limit-train', '20', '--limit-test', '10', '--epochs', '1', '--engine', 'eager', '--workers', '1']
  const flags = ['train', '--dataset', 'synthetic', '--offline', ...size, '--run-dir', place]
  const ended = await runCli([...flags, '--trace', '/dev/full'])
  expect(ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^lockstep: the disk is full: \/dev\/full was not written/),
  })
  expect((await runCli(['runs', '--runs-dir', folder, '--json'])).stdout).not.toContain('untraced')
})
