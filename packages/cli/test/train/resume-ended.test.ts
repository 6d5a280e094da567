import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchDefaults } from '../../src/flags/launch-options.ts'
import { prepareRun } from '../../src/train/prepare-run.ts'
import { readSummary, runCli } from '../support/cli.ts'
import { trainTinyRun } from '../support/tiny-run.ts'
import { createPlainStream } from '../terminal/fake-terminal.ts'

let folder = ''
let run = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-ended-'))
  run = join(folder, 'run')
  await trainTinyRun(run, '--epochs', '2')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const resume = (...flags: readonly string[]) =>
  runCli(['train', '--resume', run, '--workers', '1', '--offline', ...flags])

describe('a run whose epochs are all done', () => {
  test('is not resumed once it has told its end, and stays as it is', async () => {
    const before = await Promise.all([readdir(run), readFile(join(run, 'summary.json'), 'utf8')])
    const ended = await resume()
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('2 of 2 epochs done') })
    expect(await Promise.all([readdir(run), readFile(join(run, 'summary.json'), 'utf8')])).toEqual(before)
  })

  test('is gone on with by a coordinator whose predecessor has died after it had told the end', async () => {
    const settings = { launch: { ...launchDefaults, offline: true }, config: {} }
    const request = { settings, resume: run, hasLocalWorkers: false, token: '', isFirst: false }
    const prepared = await prepareRun(request, createPlainStream().stream)
    await prepared.claim.release()
    expect(prepared.plan.state.history.epochs).toHaveLength(2)
  })

  test('is tested and told of by a resume where it has failed in its final writes, but not with fewer epochs', async () => {
    const summary = await readSummary(run)
    await rm(join(run, 'summary.json'))
    expect(await resume('--epochs', '1')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^lockstep: --epochs: .*: expected at least 2, received 1$/m),
    })
    expect(await readdir(run)).not.toContain('summary.json')

    expect(await resume()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^completed/m) })
    const { weightsSha256, test, steps } = summary
    expect(await readSummary(run)).toMatchObject({ status: 'completed', weightsSha256, test, steps })
  })
})
