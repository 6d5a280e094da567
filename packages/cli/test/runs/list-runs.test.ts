import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFolderClaim } from '@lockstep/coordinator'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { listRuns } from '../../src/runs/list-runs.ts'
import { createPlainStream } from '../terminal/fake-terminal.ts'
import { exampleEpochs, makeTemporaryFolder, withoutValidation, writeExampleRun } from './example-runs.ts'

async function list(runsFolder: string, asJson = false) {
  const [stdout, stderr] = [createPlainStream(), createPlainStream()]
  await listRuns({ runsFolder, asJson }, { stdout: stdout.stream, stderr: stderr.stream })
  return { stdout: stdout.text(), stderr: stderr.text() }
}

async function makeRuns() {
  const runs = await makeTemporaryFolder()
  await writeExampleRun(runs, 'a-second', {
    createdAt: '2026-03-02T09:00:00Z',
    config: { dataset: 'cifar100', model: '/somewhere/wide-net.ts', epochs: 100 },
    epochs: withoutValidation(exampleEpochs(3)),
    summary: null,
  })
  // Four of five workers are left in the last epoch.
  await writeExampleRun(runs, 'b-first', { createdAt: '2026-03-01T09:00:00Z', summary: { workers: 5 } })
  return runs
}

beforeEach(() => void vi.stubEnv('FORCE_COLOR', undefined))
afterEach(() => void vi.unstubAllEnvs())

describe('the list of runs', () => {
  it('is a table with the best figures of each run, ordered by time', async () => {
    const { stdout, stderr } = await list(await makeRuns())
    // Without a summary the speed is that of the last epoch: 2900 + 40 sin 3 = 2905.6.
    expect(stdout).toBe(
      [
        'run       data set  model      epochs  validation loss    accuracy    test  images/s  workers  state',
        'b-first   cifar10   reference   10/10       0.8650 @ 6  70.4 % @ 8  69.5 %     2,912        5  completed',
        'a-second  cifar100  wide-net    3/100                –           –       –     2,906        4  unfinished',
        '',
      ].join('\n'),
    )
    expect(stderr).toBe('')
  })

  it('has one line per run even if the name of a folder has a line break', async () => {
    const runs = await makeTemporaryFolder()
    await writeExampleRun(runs, 'two\nlines', {})
    expect((await list(runs)).stdout).toMatch(/^run .*\ntwo lines {2}cifar10 .*\n$/)
  })

  it('is a line of JSON per run if asked for', async () => {
    const runs = await makeRuns()
    const lines = (await list(runs, true)).stdout.trimEnd().split('\n')
    expect(lines.map(line => JSON.parse(line))).toEqual([
      {
        run: 'b-first',
        folder: join(runs, 'b-first'),
        name: 'reference',
        createdAt: '2026-03-01T09:00:00.000Z',
        dataset: 'cifar10',
        model: 'reference',
        epochs: 10,
        plannedEpochs: 10,
        bestValidationLoss: { epoch: 6, value: exampleEpochs(6)[5]?.validationLoss },
        bestValidationAccuracy: { epoch: 8, value: 0.704 },
        test: { loss: 0.9312, accuracy: 0.6948 },
        imagesPerSecond: 2912.4,
        workers: 5,
        state: 'completed',
        weightsSha256: 'b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184',
      },
      expect.objectContaining({
        run: 'a-second',
        model: 'wide-net',
        bestValidationLoss: null,
        test: null,
        state: 'unfinished',
      }),
    ])
  })

  it.each(['stopped early', 'interrupted'] as const)('shows that a run was %s', async status => {
    const runs = await makeTemporaryFolder()
    await writeExampleRun(runs, 'one', { summary: { status } })
    expect((await list(runs)).stdout).toMatch(new RegExp(`${status}\n$`))
  })

  it('shows that a run is running while a process holds its folder', async () => {
    const runs = await makeTemporaryFolder()
    const claim = createFolderClaim(await writeExampleRun(runs, 'one', { summary: null }))
    await claim.take()
    expect(JSON.parse((await list(runs, true)).stdout)).toMatchObject({ state: 'running' })
    await claim.release()
    expect(JSON.parse((await list(runs, true)).stdout)).toMatchObject({ state: 'unfinished' })
  })

  it('says how to start a run if there is none', async () => {
    const runs = join(await makeTemporaryFolder(), 'runs')
    expect(await list(runs)).toEqual({
      stdout: `There are no runs in ${runs} yet. \`pnpm cli train\` starts one.\n`,
      stderr: '',
    })
    expect(await list(runs, true)).toEqual({ stdout: '', stderr: '' })
  })

  it('skips a damaged run with a notice', async () => {
    const runs = await makeRuns()
    await writeFile(join(runs, 'b-first', 'summary.json'), '{')
    await appendFile(join(runs, 'a-second', 'metrics.jsonl'), '{"type":"ep')
    const { stdout, stderr } = await list(runs, true)
    expect(JSON.parse(stdout).run).toBe('a-second')
    expect(stderr).toBe(
      [
        `${join(runs, 'a-second', 'metrics.jsonl')}, line 4 was cut off while it was written; it is left out.`,
        `${join(runs, 'b-first', 'summary.json')} is damaged: this run is left out.`,
        '',
      ].join('\n'),
    )
  })
})
