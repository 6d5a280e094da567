import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findRun, listRunFolders } from '../../src/runs/find-run.ts'
import { readRunFacts } from '../../src/runs/run-facts.ts'
import { makeTemporaryFolder, writeExampleRun } from './example-runs.ts'

async function makeRuns() {
  const runs = await makeTemporaryFolder()
  // The folder names sort differently from the times, as after renaming.
  const night = await writeExampleRun(runs, '2026-03-01-night', { name: 'night', createdAt: '2026-03-03T20:00:00Z' })
  const morning = await writeExampleRun(runs, '2026-03-02-morning', {
    name: 'morning',
    createdAt: '2026-03-02T08:00:00Z',
  })
  return { runs, night, morning }
}

describe('a run is found', () => {
  it('by the path of its folder', async () => {
    const { morning } = await makeRuns()
    expect(await findRun(morning, 'elsewhere')).toBe(morning)
    expect(await findRun(`${morning}/`, 'elsewhere')).toBe(`${morning}/`)
  })

  it.each(['2026-03-02-morning', 'morning', '2026-03-02', 'mor'])(
    'by its name or a prefix of it: %s',
    async reference => {
      const { runs, morning } = await makeRuns()
      expect(await findRun(reference, runs)).toBe(morning)
    },
  )

  it('as the latest, by its start time', async () => {
    const { runs, night } = await makeRuns()
    expect(await findRun('latest', runs)).toBe(night)
  })

  it('as the latest even if the current folder has a run named latest', async () => {
    const { runs, night } = await makeRuns()
    const here = process.cwd()
    onTestFinished(() => process.chdir(here))
    const place = await makeTemporaryFolder()
    await writeExampleRun(place, 'latest', { name: 'old' })
    process.chdir(place)
    expect(await findRun('latest', runs)).toBe(night)
  })

  it('by its full name even if another name starts with it', async () => {
    const { runs } = await makeRuns()
    const wide = await writeExampleRun(runs, '2026-03-05-nig', { name: 'nig' })
    expect(await findRun('nig', runs)).toBe(wide)
  })

  it('even if the folder of another run is damaged', async () => {
    const { runs, morning } = await makeRuns()
    await mkdir(join(runs, 'damaged'))
    await writeFile(join(runs, 'damaged', 'config.json'), '{')
    expect(await findRun('mor', runs)).toBe(morning)
  })
})

describe('a damaged run', () => {
  async function makeDamaged() {
    const { runs } = await makeRuns()
    const damaged = join(runs, 'damaged')
    await mkdir(damaged)
    await writeFile(join(damaged, 'config.json'), '{')
    return { runs, damaged }
  }

  it('is found by the name of its folder and reported as damaged when it is read', async () => {
    const { runs, damaged } = await makeDamaged()
    await writeExampleRun(runs, 'damaged-not')
    expect(await findRun('damaged', runs)).toBe(damaged)
    await expect(readRunFacts(damaged)).rejects.toMatchObject({
      code: 'run-damaged',
      message: `${join(damaged, 'config.json')} is damaged`,
    })
  })

  it('is reported as damaged if only its name has the given prefix', async () => {
    const { runs, damaged } = await makeDamaged()
    await expect(findRun('dam', runs)).rejects.toMatchObject({
      code: 'run-damaged',
      message: `${join(damaged, 'config.json')} is damaged`,
    })
  })
})

describe('a reference is rejected', () => {
  it('if several runs have this prefix, with their names', async () => {
    const { runs } = await makeRuns()
    await expect(findRun('2026-03', runs)).rejects.toMatchObject({
      code: 'run-ambiguous',
      kind: 'usage',
      message: '"2026-03" could be any of 2 runs',
      expected: 'one of 2026-03-01-night, 2026-03-02-morning',
    })
  })

  it('if no run has this name, with similar names', async () => {
    const { runs } = await makeRuns()
    await expect(findRun('cifar-morning-01', runs)).rejects.toMatchObject({
      code: 'run-not-found',
      kind: 'usage',
      expected: 'a run such as 2026-03-02-morning, or latest',
    })
    await expect(findRun('x', runs)).rejects.toMatchObject({
      expected: 'a run such as 2026-03-01-night, 2026-03-02-morning, or latest',
    })
  })

  it.each([
    [5, 'r5, r4, r3, r2, r1'],
    [7, 'r7, r6, r5, r4, r3 and 2 more'],
  ])('with the newest five of %d runs', async (count, named) => {
    const runs = await makeTemporaryFolder()
    for (let run = 1; run <= count; run++)
      await writeExampleRun(runs, `r${run}`, { createdAt: `2026-03-0${run}T09:00:00Z` })
    await expect(findRun('r', runs)).rejects.toMatchObject({ expected: `one of ${named}` })
  })

  it.each(['latest', 'anything'])('if there are no runs: %s', async reference => {
    const runs = join(await makeTemporaryFolder(), 'runs')
    await expect(findRun(reference, runs)).rejects.toMatchObject({
      code: 'run-not-found',
      kind: 'usage',
      hint: '`pnpm cli train` starts one.',
    })
  })

  it('if it is the path of something else or of nothing', async () => {
    const { runs } = await makeRuns()
    await expect(findRun(runs, runs)).rejects.toMatchObject({ code: 'not-a-run', kind: 'usage' })
    await expect(findRun(join(runs, 'none'), runs)).rejects.toMatchObject({ code: 'run-not-found', kind: 'usage' })
  })

  it('if the folder of runs is a file', async () => {
    const file = join(await makeTemporaryFolder(), 'runs')
    await writeFile(file, '')
    await expect(findRun('latest', file)).rejects.toMatchObject({
      code: 'runs-unreadable',
      kind: 'usage',
      message: `${file} is a file`,
      received: undefined,
    })
  })
})

describe('listing runs', () => {
  it('skips folders and files that are not runs', async () => {
    const { runs, night, morning } = await makeRuns()
    await mkdir(join(runs, 'comparison-a'))
    await writeFile(join(runs, 'notes.txt'), '')
    expect(await listRunFolders(runs)).toEqual([night, morning])
  })
})
