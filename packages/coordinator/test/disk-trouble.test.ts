import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { weightsSha256 } from '@lockstep/model'
import { LockstepError } from '@lockstep/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { CoordinatorEvent } from '../src/events.ts'
import { beginLife } from '../src/run-folder/life.ts'
import { createRunFolder, reopenRunFolder } from '../src/run-folder/run-folder.ts'
import { type DiskCall, faultyDisk, systemError, writeHalf } from './support/faulty-disk.ts'
import { temporaryFolder } from './support/folder.ts'
import { startSocketWorker } from './support/socket-worker.ts'
import { startTiny } from './support/start-coordinator.ts'
import { newestState, tinyPlan } from './support/tiny-plan.ts'
import { trainAlone } from './support/train-alone.ts'

const finalSha256 = weightsSha256(trainAlone().at(-1)!)
const config = { runId: 'tiny-run' }
let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'run')
})

/**
 * Starts a run of 2 epochs of 4 steps with a checkpoint after each step, in a folder on a disk whose calls pass through
 * `strike`. `onStep` is called while the worker holds back its answer and no write is in progress, so nothing else
 * happens until it is done.
 */
async function runOn(
  strike: (call: DiskCall) => void | Promise<void>,
  {
    onStep = async () => undefined,
    logSteps = false,
  }: { onStep?: (step: number) => Promise<void>; logSteps?: boolean },
) {
  const events: CoordinatorEvent[] = []
  const options = { onEvent: (event: CoordinatorEvent) => void events.push(event) }
  const disk = faultyDisk(strike)
  const { url, finished } = await startTiny(path, {
    plan: tinyPlan({ shards: 1 }),
    openFolder: () => createRunFolder(path, config, disk, options),
    checkpointEvery: 1,
    logSteps,
    ...options,
  })
  startSocketWorker(url, {
    before: async message => {
      if (message.type === 'gradient') {
        await disk.idle()
        await onStep(message.step)
      }
      return message
    },
  })
  const told = (type: CoordinatorEvent['type']) => events.filter(event => event.type === type)
  return { finished, events, told }
}

const linesOnDisk = async () => {
  const lines = (await readFile(join(path, 'metrics.jsonl'), 'utf8')).split('\n')
  expect(lines.pop()).toBe('')
  return lines
    .map(line => JSON.parse(line))
    .map(({ type, epoch, step }) => (type === 'epoch' ? `epoch ${epoch}` : step))
}

const isCheckpoint = ({ operation, path: name }: DiskCall) => operation === 'write' && name.includes('.ckpt')
const isMetrics = ({ operation, path: name }: DiskCall) => operation === 'write' && name.endsWith('metrics.jsonl')
const shardsOne = tinyPlan({ shards: 1 })
const oneShardSha256 = weightsSha256(trainAlone(shardsOne).at(-1)!)

describe('a checkpoint that cannot be written', () => {
  test('is reported once and does not end the run, and the next ones are tried', async () => {
    let strikes = 0
    const { finished, told } = await runOn(call => {
      // The five of the first epoch, after each of its steps and at its end, and the one after step 5.
      if (isCheckpoint(call) && strikes < 6) {
        strikes++
        return writeHalf(call)
      }
    }, {})
    expect(await finished).toMatchObject({ status: 'completed', weightsSha256: oneShardSha256 })
    expect(told('not-written')).toEqual([
      {
        type: 'not-written',
        what: 'checkpoint',
        reason: expect.stringMatching(/^the disk is full: .*step-000000001.ckpt was not written$/),
      },
    ])
    expect(told('written-again')).toEqual([{ type: 'written-again', what: 'checkpoint' }])
    expect(strikes).toBe(6)
    expect(await readdir(join(path, 'checkpoints'))).toEqual([
      'step-000000006.ckpt',
      'step-000000007.ckpt',
      'step-000000008.ckpt',
    ])
  })

  test('because no file descriptor is free is reported and does not end the run', async () => {
    const operations = ['open', 'read'] as const
    for (const operation of operations) {
      path = join(await temporaryFolder(), 'run')
      let step = 0
      const { finished, told } = await runOn(
        call => {
          if (step > 2 && step < 5 && call.operation === operation) throw systemError('EMFILE')
        },
        {
          onStep: async next => {
            step = next
          },
        },
      )
      expect((await finished).weightsSha256).toBe(oneShardSha256)
      expect(told('not-written').length).toBeGreaterThan(0)
      for (const event of told('not-written')) expect(event).toMatchObject({ reason: expect.stringMatching(/EMFILE/) })
      expect(await linesOnDisk()).toEqual(['epoch 1', 'epoch 2'])
    }
  })

  test('is reported once for each reason', async () => {
    const codes = ['ENOSPC', 'EIO', 'ENOSPC', 'EIO']
    const { finished, told } = await runOn(call => {
      const code = isCheckpoint(call) ? codes.shift() : undefined
      if (code !== undefined) throw systemError(code)
    }, {})
    await finished
    expect(told('not-written')).toEqual([
      expect.objectContaining({ reason: expect.stringMatching(/the disk is full/) }),
      expect.objectContaining({ reason: expect.stringMatching(/could not be written.*EIO/) }),
    ])
  })

  test('ends the run with an error if it is the last one', async () => {
    const { finished, told } = await runOn(call => {
      if (isCheckpoint(call) && call.path.includes('000008')) throw systemError('ENOSPC')
    }, {})
    await expect(finished).rejects.toMatchObject({ code: 'disk-full', hint: expect.stringContaining('--resume') })
    expect(told('state-not-saved')).toEqual([
      { type: 'state-not-saved', step: 8, reason: expect.stringMatching(/the disk is full/) },
    ])
    expect(await readdir(path)).not.toContain('summary.json')
    expect((await newestState(path)).step).toBe(7)
  })
})

describe('metrics that cannot be written', () => {
  test('are kept and written later, complete, once and in order', async () => {
    let failing = false
    const { finished, told } = await runOn(call => (failing && isMetrics(call) ? writeHalf(call) : undefined), {
      logSteps: true,
      // From the middle of the first epoch to the middle of the second, including the line of the first.
      onStep: async step => {
        failing = step >= 2 && step < 6
      },
    })
    expect((await finished).weightsSha256).toBe(oneShardSha256)
    expect(await linesOnDisk()).toEqual([1, 2, 3, 4, 'epoch 1', 5, 6, 7, 8, 'epoch 2'])
    expect(told('not-written')).toEqual([expect.objectContaining({ what: 'metrics' })])
    expect(told('written-again')).toEqual([{ type: 'written-again', what: 'metrics' }])
  })

  test('end the run with an error if they still cannot be written at its end', async () => {
    const { finished } = await runOn(call => {
      if (isMetrics(call)) throw systemError('ENOSPC')
    }, {})
    await expect(finished).rejects.toMatchObject({ code: 'disk-full' })
    // Nothing is lost: the checkpoint holds the epochs.
    expect((await newestState(path)).history.epochs.map(({ epoch }) => epoch)).toEqual([1, 2])
  })
})

describe('a summary or a model that cannot be written', () => {
  test.each(['summary.json', 'model.json'])('ends the run with an error, but it can be resumed: %s', async name => {
    const { finished } = await runOn(call => {
      if (call.operation === 'write' && call.path.includes(name)) throw systemError('ENOSPC')
    }, {})
    await expect(finished).rejects.toMatchObject({ code: 'disk-full' })
    const state = await newestState(path)
    expect(state.step).toBe(8)
    const openFolder = () => reopenRunFolder(path, { epochs: state.history.epochs, step: 8 }, config)
    const resumed = await startTiny(path, { plan: tinyPlan({ shards: 1 }, state), openFolder })
    startSocketWorker(resumed.url)
    expect(await resumed.finished).toMatchObject({ status: 'completed', weightsSha256: oneShardSha256 })
    expect(await linesOnDisk()).toEqual(['epoch 1', 'epoch 2'])
  })
})

describe('a run folder that is removed or taken over during the run', () => {
  test('is created again with the records of the whole run', async () => {
    const { finished, told } = await runOn(() => undefined, {
      onStep: async step => {
        if (step === 5) await rm(path, { recursive: true })
      },
    })
    expect((await finished).weightsSha256).toBe(oneShardSha256)
    expect(told('folder-restored')).toEqual([{ type: 'folder-restored', path }])
    expect(await linesOnDisk()).toEqual(['epoch 1', 'epoch 2'])
    expect((await readdir(path)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'life.json',
      'metrics.jsonl',
      'model',
      'summary.json',
    ])
    expect(JSON.parse(await readFile(join(path, 'life.json'), 'utf8'))).toEqual({ life: 1 })
    expect((await newestState(path)).step).toBe(8)
  })

  test('is created again as soon as that is possible', async () => {
    const { finished, told } = await runOn(() => undefined, {
      onStep: async step => {
        if (step === 2) await rename(path, `${path}.away`)
        if (step === 2) await writeFile(path, 'a file in its place')
        if (step === 6) await rm(path)
      },
    })
    expect((await finished).weightsSha256).toBe(oneShardSha256)
    expect(told('not-written')[0]).toMatchObject({ reason: expect.stringMatching(/ENOTDIR|EEXIST/) })
    expect(await linesOnDisk()).toEqual(['epoch 1', 'epoch 2'])
  })

  test('is left alone if it now holds another run', async () => {
    const { finished } = await runOn(() => undefined, {
      onStep: async step => {
        if (step !== 5) return
        await rm(path, { recursive: true })
        await createRunFolder(path, { runId: 'another' })
      },
    })
    await expect(finished).rejects.toMatchObject({ code: 'superseded', message: expect.stringMatching(/run another/) })
    expect((await readdir(path)).sort()).toEqual(['checkpoints', 'config.json', 'life.json', 'metrics.jsonl'])
    expect(await readdir(join(path, 'checkpoints'))).toEqual([])
  })

  test('is left alone if it now belongs to a later life of the run', async () => {
    const { finished } = await runOn(() => undefined, {
      onStep: async step => {
        if (step === 5) await beginLife(path)
      },
    })
    await expect(finished).rejects.toMatchObject({ code: 'superseded' })
    expect(await readdir(path)).not.toContain('summary.json')
  })
})

describe('a run', () => {
  test('that fails while its disk fails ends with its own error and reports that its state is not saved', async () => {
    const lost = new LockstepError('workers-ended', 'all worker processes have ended')
    const events: CoordinatorEvent[] = []
    const { url, finished, abort } = await startTiny(path, {
      openFolder: async () => {
        const folder = await createRunFolder(path, config)
        await mkdir(join(path, 'checkpoints', 'step-000000003.ckpt', 'inner'), { recursive: true })
        return folder
      },
      onEvent: event => {
        events.push(event)
        if (event.type === 'step' && event.step === 3) abort(lost)
      },
    })
    startSocketWorker(url)
    await expect(finished).rejects.toBe(lost)
    expect(events.filter(({ type }) => type === 'state-not-saved')).toEqual([
      { type: 'state-not-saved', step: 3, reason: expect.stringMatching(/step-000000003.ckpt could not be written/) },
    ])
  })

  test('has the final weights of a plain loop if nothing fails', async () => {
    const { url, finished } = await startTiny(path)
    startSocketWorker(url)
    expect((await finished).weightsSha256).toBe(finalSha256)
  })
})
