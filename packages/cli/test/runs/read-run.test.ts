import { appendFile, mkdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readRun } from '../../src/runs/read-run.ts'
import { exampleConfig, exampleEpochs, exampleSummary, makeTemporaryFolder, writeExampleRun } from './example-runs.ts'

describe('reading a run folder', () => {
  it('returns configuration, epochs and summary', async () => {
    const folder = await writeExampleRun(await makeTemporaryFolder(), '2026-03-01-reference')
    expect(await readRun(folder)).toEqual({
      folder,
      name: 'reference',
      createdAt: new Date('2026-03-01T09:00:00Z'),
      config: exampleConfig,
      epochs: exampleEpochs(10),
      summary: exampleSummary(exampleEpochs(10)),
      state: 'completed',
      notices: [],
    })
  })

  it('returns what exists of a run that was killed', async () => {
    const folder = await writeExampleRun(await makeTemporaryFolder(), 'killed', {
      epochs: exampleEpochs(2),
      summary: null,
    })
    await appendFile(join(folder, 'metrics.jsonl'), '{"type":"epoch","epoch":3,"tra')
    const run = await readRun(folder)
    expect(run.epochs).toEqual(exampleEpochs(2))
    expect([run.summary, run.state]).toEqual([null, 'unfinished'])
    expect(run.notices).toEqual([expect.stringMatching(/metrics\.jsonl, line 3 was cut off/)])
  })

  it('accepts a run that has not finished an epoch', async () => {
    const folder = await writeExampleRun(await makeTemporaryFolder(), 'new', { summary: null })
    await rm(join(folder, 'metrics.jsonl'))
    expect(await readRun(folder)).toMatchObject({ epochs: [], state: 'unfinished' })
  })

  it('treats a run as unfinished if it has more epochs than its summary', async () => {
    const folder = await writeExampleRun(await makeTemporaryFolder(), 'resumed', {
      epochs: exampleEpochs(8),
      summary: { status: 'interrupted', epochs: 5 },
    })
    expect(await readRun(folder)).toMatchObject({ state: 'unfinished', summary: null })
  })

  it('treats a run as unfinished if it has a checkpoint of a later step than its summary', async () => {
    const folder = await writeExampleRun(await makeTemporaryFolder(), 'resumed')
    const checkpoints = join(folder, 'checkpoints')
    await mkdir(checkpoints)
    await writeFile(join(checkpoints, 'step-000008000.ckpt'), '')
    expect(await readRun(folder)).toMatchObject({ state: 'completed', summary: { steps: 8000 } })
    await writeFile(join(checkpoints, 'step-000008001.ckpt'), '')
    expect(await readRun(folder)).toMatchObject({ state: 'unfinished', summary: null })
  })

  it('accepts a configuration with unknown keys and without keys that it does not need', async () => {
    const folder = await makeTemporaryFolder()
    const config = { dataset: 'cifar10', model: 'wide', epochs: 3, compress: 'bfloat16' }
    await writeFile(join(folder, 'config.json'), JSON.stringify({ name: 'later', config, host: 'a' }))
    expect(await readRun(folder)).toMatchObject({ name: 'later', config })
  })

  it('takes a missing name from the folder and a missing time from the file of the configuration', async () => {
    const folder = join(await makeTemporaryFolder(), 'unnamed')
    await mkdir(folder)
    const file = join(folder, 'config.json')
    await writeFile(file, JSON.stringify({ config: { dataset: 'cifar10', model: 'wide', epochs: 3 } }))
    const written = new Date('2026-03-01T09:00:00Z')
    await utimes(file, written, written)
    expect(await readRun(`${folder}/.`)).toMatchObject({ name: 'unnamed', createdAt: written })
  })
})

describe('a folder that cannot be read as a run', () => {
  it('is a usage error if it has no configuration or does not exist', async () => {
    const folder = await makeTemporaryFolder()
    const refusal = { code: 'not-a-run', kind: 'usage' }
    await expect(readRun(folder)).rejects.toMatchObject(refusal)
    await expect(readRun(join(folder, 'missing'))).rejects.toMatchObject(refusal)
    await writeFile(join(folder, 'file'), '')
    await expect(readRun(join(folder, 'file'))).rejects.toMatchObject(refusal)
  })

  it.each([
    ['config.json', '{"name":', /not JSON/],
    ['config.json', '{"config":{"dataset":"cifar10","epochs":0}}', /config\.model/],
    ['config.json', '{"createdAt":"yesterday","config":{"dataset":"a","model":"b","epochs":1}}', /createdAt/],
    ['summary.json', '{"run":"reference"}', /at status/],
  ])('is rejected with the file that is damaged: %s %s', async (file, content, received) => {
    const folder = await writeExampleRun(await makeTemporaryFolder(), 'damaged')
    await writeFile(join(folder, file), content)
    await expect(readRun(folder)).rejects.toMatchObject({
      code: 'run-damaged',
      kind: 'world',
      message: `${join(folder, file)} is damaged`,
      received: expect.stringMatching(received),
    })
  })

  it('is rejected if one of its files cannot be read', async () => {
    const folder = await writeExampleRun(await makeTemporaryFolder(), 'odd')
    await rm(join(folder, 'summary.json'))
    await mkdir(join(folder, 'summary.json'))
    await expect(readRun(folder)).rejects.toMatchObject({ code: 'run-unreadable', received: /EISDIR/ })
  })
})
