import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { beginLife, refuseSuperseded } from '../../src/run-folder/life.ts'
import { createRunFolder, reopenRunFolder } from '../../src/run-folder/run-folder.ts'
import { epochWith } from '../support/epoch-metrics.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startSocketWorker } from '../support/socket-worker.ts'
import { startTiny } from '../support/start-coordinator.ts'

let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'run')
})

describe('the lives of a run', () => {
  test('are counted from 1 in its folder', async () => {
    const begun = [await createRunFolder(path, {})]
    for (let restart = 0; restart < 2; restart++) begun.push(await reopenRunFolder(path, { epochs: [], step: 0 }, {}))
    expect(begun.map(({ life }) => life)).toEqual([1, 2, 3])
    expect(JSON.parse(await readFile(join(path, 'life.json'), 'utf8'))).toEqual({ life: 3 })
  })

  test('are sent to a worker that connects', async () => {
    await createRunFolder(path, {})
    const openFolder = () => reopenRunFolder(path, { epochs: [], step: 0 }, {})
    const { url, finished } = await startTiny(path, { openFolder })
    expect(await startSocketWorker(url).welcomed).toMatchObject({ life: 2 })
    await finished
  })

  test.each(['', '{"life":0}', '{"life":"2"}', '{"life":2'])('cannot continue from a file with %j', async text => {
    await createRunFolder(path, {})
    await writeFile(join(path, 'life.json'), text)
    await expect(beginLife(path)).rejects.toMatchObject({ code: 'life-damaged', hint: expect.any(String) })
  })

  test('begin from 1 again in a folder that has lost the file', async () => {
    await createRunFolder(path, {})
    await rm(join(path, 'life.json'))
    expect(await beginLife(path)).toBe(1)
  })

  test('refuse an earlier one, but not the newest', async () => {
    await createRunFolder(path, {})
    await beginLife(path)
    await expect(refuseSuperseded(path, 1)).rejects.toMatchObject({ code: 'superseded' })
    await refuseSuperseded(path, 2)
  })
})

describe('a coordinator whose run another one has continued', () => {
  test('writes no further checkpoint, and says `superseded` to its workers', async () => {
    const { url, finished } = await startTiny(path)
    const worker = startSocketWorker(url, {
      before: async message => {
        if (message.type === 'gradient' && message.step === 5 && message.shard === 0) await beginLife(path)
        return message
      },
    })
    await expect(finished).rejects.toMatchObject({ code: 'superseded', message: expect.stringMatching(/in life 2/) })
    expect(await worker.ended).toMatchObject({ code: 'superseded' })
    // Of the two epochs, the first one ended in life 1.
    expect(await readdir(join(path, 'checkpoints'))).toEqual(['step-000000004.ckpt'])
  })

  test('adds no line to the metrics, which the later life writes', async () => {
    const [first, second] = [epochWith(1), epochWith(2)]
    const earlier = await createRunFolder(path, {})
    await earlier.appendEpoch(first)
    const later = await reopenRunFolder(path, { epochs: [first], step: 4 }, {})
    await expect(earlier.appendEpoch(second)).rejects.toMatchObject({ code: 'superseded' })
    await later.appendEpoch(second)
    const lines = (await readFile(join(path, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n')
    expect(lines.map(line => JSON.parse(line))).toEqual([first, second])
  })

  test('ends without a checkpoint when a worker reports that', async () => {
    const { url, finished } = await startTiny(path, { minWorkers: 2 })
    const known = startSocketWorker(url)
    const reason = 'this worker has been welcomed to life 2 of the run, and this is life 1'
    const returned = startSocketWorker(url, {
      before: message => (message.type === 'hello' ? message : { type: 'bye', code: 'superseded', reason }),
    })
    await expect(finished).rejects.toMatchObject({ code: 'superseded', message: expect.stringContaining(reason) })
    expect(await known.ended).toMatchObject({ code: 'superseded' })
    await returned.ended
    expect(await readdir(join(path, 'checkpoints'))).toEqual([])
  })

  test('ignores the same report from a peer that has not sent the token', async () => {
    const { url, finished } = await startTiny(path)
    const stranger = startSocketWorker(url, {
      before: () => ({ type: 'bye', code: 'superseded', reason: 'believe me' }),
    })
    await stranger.ended
    startSocketWorker(url)
    expect(await finished).toMatchObject({ status: 'completed' })
  })
})
