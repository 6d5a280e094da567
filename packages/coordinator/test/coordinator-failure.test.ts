import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError, openWebSocket } from '@lockstep/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { createRunFolder } from '../src/run-folder/run-folder.ts'
import { temporaryFolder } from './support/folder.ts'
import { startSocketWorker } from './support/socket-worker.ts'
import { startTiny } from './support/start-coordinator.ts'

let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'run')
})

describe('a run that fails', () => {
  test('writes a checkpoint and sends its workers the error', async () => {
    const error = new LockstepError('workers-ended', 'all worker processes have ended')
    const { url, finished, abort } = await startTiny(path, {
      onEvent: event => {
        if (event.type === 'step' && event.step === 3) abort(error)
      },
    })
    const worker = startSocketWorker(url)
    await expect(finished).rejects.toBe(error)
    expect(await worker.ended).toMatchObject({ code: 'failed', reason: error.message })
    expect(await readdir(join(path, 'checkpoints'))).toEqual(['step-000000003.ckpt'])
    expect(await readdir(path)).not.toContain('summary.json')
  })

  test('sends its workers `superseded` if another coordinator will continue it', async () => {
    const { url, finished } = await startTiny(path, {
      goesOnAfter: error => error instanceof TypeError,
      onEvent: event => {
        if (event.type === 'step') throw new TypeError('a bug')
      },
    })
    const worker = startSocketWorker(url)
    await expect(finished).rejects.toThrow('a bug')
    expect(await worker.ended).toMatchObject({ code: 'superseded', reason: 'a bug' })
  })

  test('frees its port', async () => {
    const { url, finished, abort } = await startTiny(path)
    abort(new LockstepError('workers-ended', 'gone'))
    await expect(finished).rejects.toMatchObject({ code: 'workers-ended' })
    const socket = openWebSocket(url, 1000)
    const [error] = await once(socket, 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('starting a run', () => {
  test('fails before it opens the folder when the port is taken', async () => {
    const { url, abort, finished } = await startTiny(path)
    const port = Number(new URL(url).port)
    let opened = false
    const openFolder = async () => {
      opened = true
      return createRunFolder(path, {})
    }
    const second = startTiny(path, { listen: { host: '127.0.0.1', port, tls: null }, openFolder })
    await expect(second).rejects.toMatchObject({ code: 'port-taken' })
    expect(opened).toBe(false)
    abort(new LockstepError('workers-ended', 'gone'))
    await expect(finished).rejects.toThrow()
  })

  test('frees the port when the folder cannot be opened', async () => {
    await createRunFolder(path, {})
    let url = ''
    const failed = startTiny(path, {
      onEvent: event => {
        if (event.type === 'listening') url = event.url
      },
    })
    await expect(failed).rejects.toMatchObject({ code: 'run-folder-taken' })
    const [error] = await once(openWebSocket(url, 1000), 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  })
})
