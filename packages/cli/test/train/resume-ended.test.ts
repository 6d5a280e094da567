import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readSummary, runCli } from '../support/cli.ts'
import { useTinyRun } from '../support/tiny-run.ts'

const { folder, run } = useTinyRun('--epochs', '2')

const resume = (...flags: readonly string[]) =>
  runCli(['train', '--resume', run, '--workers', '1', '--offline', ...flags])

describe('a run that has completed all epochs', () => {
  test('is not resumed and does not change if it has a summary', async () => {
    const before = await Promise.all([readdir(run), readFile(join(run, 'summary.json'), 'utf8')])
    const told = /^\S+run is complete: 2 of 2 epochs done\n {2}To continue it, use `--epochs M` with M above 2\.\n$/
    expect(await resume()).toMatchObject({ code: 0, stdout: expect.stringMatching(told), stderr: '' })
    const { code, stdout } = await resume('--supervise', '--json')
    expect([code, JSON.parse(stdout)]).toEqual([0, await readSummary(run)])
    expect(await Promise.all([readdir(run), readFile(join(run, 'summary.json'), 'utf8')])).toEqual(before)
  })

  test('is not resumed if it has stopped early, even with more epochs', async () => {
    const early = join(folder, 'early')
    await cp(run, early, { recursive: true })
    await writeFile(
      join(early, 'summary.json'),
      JSON.stringify({ ...(await readSummary(run)), status: 'stopped early' }),
    )
    const ended = await runCli(['train', '--resume', early, '--epochs', '99', '--offline'])
    const told = /^\S+early has stopped early, after 2 of 99 epochs\n.*--early-stopping\.\n$/
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(told), stderr: '' })
  })

  test('is tested and summarized by a resume if it has no summary, but not with fewer epochs', async () => {
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
