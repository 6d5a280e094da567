import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openLogReporter } from '../../src/train/log-reporter.ts'

let file = ''
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-log-'))
  file = join(folder, 'log.jsonl')
  onTestFinished(() => rm(folder, { recursive: true }))
})

const notTold = (reason: string) => expect.unreachable(reason)

async function textsIn(): Promise<readonly unknown[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  expect(lines.pop()).toBe('')
  return lines.map(line => JSON.parse(line)).map(({ type, text, url }) => text ?? `${type} ${url}`)
}

describe('the log of a run', () => {
  test('has a line with the time for each event and note, and none for steps', async () => {
    const log = await openLogReporter(folder, notTold)
    log.event({ type: 'listening', url: 'ws://here' })
    const means = { loss: 1, accuracy: 0.5, samples: 50, active: 1 }
    log.event({ type: 'step', epoch: 1, batch: 1, batches: 4, step: 1, ...means })
    log.note('a note')
    await log.stop()
    expect(await textsIn()).toEqual(['listening ws://here', 'a note'])
    expect(JSON.parse((await readFile(file, 'utf8')).split('\n')[0]!)).toMatchObject({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
  })

  test('continues after the last complete line of a process that was killed', async () => {
    await writeFile(file, '{"type":"note","text":"before"}\n{"type":"note","te')
    const log = await openLogReporter(folder, notTold)
    log.note('after')
    await log.stop()
    expect(await textsIn()).toEqual(['before', 'after'])
  })

  test('reports once each time that it becomes unwritable, and keeps its lines until it can be written', async () => {
    const told: string[] = []
    const log = await openLogReporter(folder, reason => told.push(reason))
    await symlink('/dev/full', file)
    log.note('first')
    log.note('second')
    await log.stop()
    expect(told).toEqual([expect.stringMatching(/the disk is full: .*log.jsonl was not written/)])
    await rm(file)
    log.note('third')
    await log.stop()
    expect(await textsIn()).toEqual(['first', 'second', 'third'])
    await rm(file)
    await symlink('/dev/full', file)
    log.note('fourth')
    await log.stop()
    expect(told).toHaveLength(2)
  })
})
