import { appendFile, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMetricsFile, metricsUntil } from '../../src/run-folder/metrics-file.ts'
import { epochWith } from '../support/epoch-metrics.ts'
import { faultyDisk, systemError } from '../support/faulty-disk.ts'
import { temporaryFolder } from '../support/folder.ts'
import { stepWith } from '../support/step-metrics.ts'

let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'metrics.jsonl')
})

const names = (text: string) => {
  const lines = text.split('\n').filter(line => line !== '')
  return lines
    .map(line => JSON.parse(line))
    .map(({ type, epoch, step }) => (type === 'epoch' ? `epoch ${epoch}` : step))
}
const namesOnDisk = async () => names(await readFile(path, 'utf8'))

/** Two epochs of four steps, and two more steps. */
async function writeTenSteps(): Promise<void> {
  const file = createMetricsFile({ path })
  for (let step = 1; step <= 10; step++) {
    await file.addStep(stepWith(step))
    if (step % 4 === 0) await file.addEpoch(epochWith(step / 4))
  }
  await file.flush()
}

describe('a file of metrics', () => {
  test('holds steps and epochs in the order in which they were added', async () => {
    await writeTenSteps()
    expect(await namesOnDisk()).toEqual([1, 2, 3, 4, 'epoch 1', 5, 6, 7, 8, 'epoch 2', 9, 10])
  })

  test('is written when an epoch ends, or when many steps are queued', async () => {
    const file = createMetricsFile({ path })
    await file.addEpoch(epochWith(1))
    await file.addStep(stepWith(5))
    expect(await namesOnDisk()).toEqual(['epoch 1'])
    // Up to 64 KiB are queued. A line has some 250 characters, and 300 lines exceed that.
    for (let step = 6; step <= 305; step++) await file.addStep(stepWith(step))
    expect((await namesOnDisk()).length).toBeGreaterThan(200)
  })

  test('is retried on a failing disk when many more steps are queued, not with each step', async () => {
    let tries = 0
    const disk = faultyDisk(({ operation }) => {
      if (operation !== 'open') return
      tries++
      throw systemError('EIO')
    })
    const file = createMetricsFile({ path, disk })
    const failures: unknown[] = []
    // Up to 64 KiB are queued. A line has some 250 characters: 600 lines are twice as much, 900 three times.
    for (let step = 1; step <= 900; step++) await file.addStep(stepWith(step)).catch(error => failures.push(error))
    expect(failures).toEqual(Array(tries).fill(expect.objectContaining({ code: 'file-not-written' })))
    expect(tries).toBeGreaterThanOrEqual(2)
    expect(tries).toBeLessThanOrEqual(4)
  })

  test('keeps the order of lines that are added at the same time', async () => {
    const file = createMetricsFile({ path })
    await file.addStep(stepWith(1))
    await Promise.all([file.flush(), file.addEpoch(epochWith(1)), file.addStep(stepWith(5)), file.flush()])
    expect(await namesOnDisk()).toEqual([1, 'epoch 1', 5])
  })

  test('fails with `disk-full` on a full disk', async () => {
    await symlink('/dev/full', path)
    const file = createMetricsFile({ path })
    await file.addStep(stepWith(1))
    await expect(file.flush()).rejects.toMatchObject({ code: 'disk-full' })
  })
})

describe('the metrics up to a checkpoint', () => {
  test('are the epochs that it knows and the steps up to its own', async () => {
    await writeTenSteps()
    const { text } = await metricsUntil(path, { epochs: [epochWith(1)], step: 6 })
    expect(names(text)).toEqual([1, 2, 3, 4, 'epoch 1', 5, 6])
  })

  test('leave out a torn line', async () => {
    await writeTenSteps()
    await appendFile(path, '{"type":"step","epoch":3,"step":11,"lo')
    const { text } = await metricsUntil(path, { epochs: [epochWith(1), epochWith(2)], step: 11 })
    expect(names(text)).toEqual([1, 2, 3, 4, 'epoch 1', 5, 6, 7, 8, 'epoch 2', 9, 10])
  })

  test('are only the epochs if there is no file', async () => {
    const { text } = await metricsUntil(path, { epochs: [epochWith(1)], step: 4 })
    expect(names(text)).toEqual(['epoch 1'])
  })
})
