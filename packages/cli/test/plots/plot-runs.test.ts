import { appendFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from 'citty'
import { describe, expect, it, vi } from 'vitest'
import { plotCommand } from '../../src/commands/plot.ts'
import { plotRuns } from '../../src/plots/plot-runs.ts'
import { exampleEpochs, makeTemporaryFolder, withoutValidation, writeExampleRun } from '../runs/example-runs.ts'
import { createPlainStream } from '../terminal/fake-terminal.ts'

const bestLine = 'one: best validation loss 0.8650 at epoch 6, accuracy 70.4 % at epoch 8'

async function plot(references: readonly string[], runsFolder: string, outFolder?: string) {
  const [stdout, stderr] = [createPlainStream(), createPlainStream()]
  await plotRuns(references, { runsFolder, outFolder }, { stdout: stdout.stream, stderr: stderr.stream })
  return { lines: stdout.text().trimEnd().split('\n'), notices: stderr.text() }
}

describe('plotting one run', () => {
  it('writes into its folder and prints the files and the best figures', async () => {
    const runs = await makeTemporaryFolder()
    const folder = await writeExampleRun(runs, 'one')
    const { lines, notices } = await plot(['latest'], runs)
    expect(lines).toHaveLength(9)
    expect(lines.slice(0, 2)).toEqual([join(folder, 'plots', 'loss.svg'), join(folder, 'plots', 'loss.png')])
    expect(lines.at(-1)).toBe(bestLine)
    expect(notices).toBe('')
  })

  it('writes into another folder if one is given', async () => {
    const runs = await makeTemporaryFolder()
    const folder = await writeExampleRun(runs, 'one', { epochs: withoutValidation(exampleEpochs(3)) })
    const { lines } = await plot([folder], 'elsewhere', join(runs, 'out'))
    expect(await readdir(join(runs, 'out'))).toEqual(['accuracy.png', 'accuracy.svg', 'loss.png', 'loss.svg'])
    expect(await readdir(folder)).not.toContain('plots')
    expect(lines.at(-1)).toMatch(/^one: best train loss 1\.\d+ at epoch 3, accuracy 54\.\d % at epoch 3$/)
  })

  it('suggests --out if the folder cannot be written', async () => {
    const runs = await makeTemporaryFolder()
    const folder = await writeExampleRun(runs, 'one')
    await writeFile(join(folder, 'plots'), 'a file where a folder belongs')
    await expect(plot(['latest'], runs)).rejects.toMatchObject({
      code: 'file-not-written',
      message: `${join(folder, 'plots')} could not be written`,
      hint: expect.stringMatching(/name another folder with --out/),
    })
  })

  it('reports a truncated last line of the metrics', async () => {
    const runs = await makeTemporaryFolder()
    const folder = await writeExampleRun(runs, 'one', { epochs: withoutValidation(exampleEpochs(2)), summary: null })
    await appendFile(join(folder, 'metrics.jsonl'), '{"type":"ep')
    expect((await plot(['one'], runs)).notices).toMatch(/metrics\.jsonl, line 3 was cut off .*\n$/)
  })

  it('is a usage error before the first epoch has ended', async () => {
    const runs = await makeTemporaryFolder()
    await writeExampleRun(runs, 'new', { epochs: [], summary: null })
    await expect(plot(['new'], runs)).rejects.toMatchObject({ code: 'nothing-to-plot', kind: 'usage' })
  })
})

describe('plotting several runs', () => {
  it('writes their overlay into a new folder beside them', async () => {
    const runs = await makeTemporaryFolder()
    await writeExampleRun(runs, 'one')
    await writeExampleRun(runs, 'two', { name: 'second', epochs: [], summary: null })
    const { lines } = await plot(['one', 'two'], runs)
    const comparison = (await readdir(runs)).find(name => name.startsWith('comparison-'))!
    expect(comparison).toMatch(/^comparison-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d$/)
    expect(lines[0]).toBe(join(runs, comparison, 'validation-loss.svg'))
    expect(lines.slice(-2)).toEqual([bestLine, 'two: no epoch is done yet'])
  })

  it('counts a run once even if it is given several times', async () => {
    const runs = await makeTemporaryFolder()
    const folder = await writeExampleRun(runs, 'one')
    await plot(['one', folder, `${folder}/.`, 'latest'], runs)
    expect(await readdir(runs)).toEqual(['one'])
  })
})

it('the plot command accepts runs and flags in any order', async () => {
  const runs = await makeTemporaryFolder()
  await writeExampleRun(runs, 'one')
  await writeExampleRun(runs, 'two', { config: { seed: 2 } })
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  await runCommand(plotCommand, { rawArgs: ['one', '--out', join(runs, 'out'), `--runs-dir=${runs}`, 'two'] })
  write.mockRestore()
  expect((await readdir(join(runs, 'out'))).filter(name => name.endsWith('.png'))).toEqual([
    'train-accuracy.png',
    'train-loss.png',
    'validation-accuracy.png',
    'validation-loss.png',
  ])
})
