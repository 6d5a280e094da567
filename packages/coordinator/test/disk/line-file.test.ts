import { readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { createLineFile } from '../../src/disk/line-file.ts'
import { type DiskCall, faultyDisk, systemError, writeHalf } from '../support/faulty-disk.ts'
import { temporaryFolder } from '../support/folder.ts'

let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'lines')
})

const text = () => readFile(path, 'utf8')

/** A file on a disk that can be made to fail. */
function createTested(options: Partial<Parameters<typeof createLineFile>[0]> = {}) {
  const fault: { strike: ((call: DiskCall) => void | Promise<void>) | null } = { strike: null }
  const disk = faultyDisk(call => fault.strike?.(call))
  return { fault, file: createLineFile({ path, disk, ...options }) }
}

const failing =
  (operation: DiskCall['operation'], code: string) =>
  (call: DiskCall): void => {
    if (call.operation === operation) throw systemError(code)
  }

describe('a file of lines', () => {
  test('holds the lines in the order in which they were added, even if writes overlap', async () => {
    const { file } = createTested()
    file.add('a', true)
    const first = file.flush()
    file.add('b', false)
    await Promise.all([first, file.flush(), file.flush()])
    expect(await text()).toBe('a\nb\n')
    expect(file.keptLength()).toBe(0)
  })

  test('continues after its existing content', async () => {
    await writeFile(path, 'grün\n')
    const { file } = createTested({ content: { bytes: Buffer.byteLength('grün\n'), lasting: [] } })
    file.add('b', true)
    await file.settle()
    expect(await text()).toBe('grün\nb\n')
  })

  test('is synced only if it has lines that have not been synced', async () => {
    const { fault, file } = createTested()
    const synchronised: string[] = []
    fault.strike = async ({ operation }) => {
      if (operation === 'sync') synchronised.push(await text())
    }
    file.add('a', true)
    await file.settle()
    await file.settle()
    file.add('b', false)
    await file.flush()
    await file.settle()
    await file.settle()
    expect(synchronised).toEqual(['a\n', 'a\nb\n'])
  })

  test('is synced again if lines were added during a sync', async () => {
    const { fault, file } = createTested()
    let syncs = 0
    fault.strike = async ({ operation }) => {
      if (operation !== 'sync' || ++syncs > 1) return
      file.add('b', true)
      await file.flush()
    }
    file.add('a', true)
    await file.settle()
    await file.settle()
    expect(syncs).toBe(2)
  })

  test('is not created before there is a line', async () => {
    const { file } = createTested()
    await file.settle()
    await expect(text()).rejects.toThrow('ENOENT')
  })
})

describe('a line that does not fit on the disk', () => {
  test('is cut off if it was partly written, and is written whole once there is room', async () => {
    const { file, fault } = createTested()
    file.add('first', true)
    await file.flush()
    fault.strike = call => (call.operation === 'write' ? writeHalf(call) : undefined)
    file.add('second line', false)
    await expect(file.flush()).rejects.toMatchObject({ code: 'disk-full' })
    expect(await text()).toBe('first\n')
    file.add('third', true)
    await expect(file.flush()).rejects.toMatchObject({ code: 'disk-full' })
    fault.strike = null
    await file.flush()
    expect(await text()).toBe('first\nsecond line\nthird\n')
  })

  test('is cut off before the next write if that was not possible at once', async () => {
    const { file, fault } = createTested()
    file.add('first', true)
    await file.flush()
    fault.strike = call => {
      if (call.operation === 'truncate') throw systemError('EIO')
      return call.operation === 'write' ? writeHalf(call) : undefined
    }
    file.add('second line', true)
    await expect(file.flush()).rejects.toMatchObject({ code: 'disk-full' })
    expect(await text()).toBe('first\nsecond')
    fault.strike = null
    await file.flush()
    expect(await text()).toBe('first\nsecond line\n')
  })

  test('leaves a new file empty', async () => {
    const { file, fault } = createTested()
    fault.strike = call => (call.operation === 'write' ? writeHalf(call) : undefined)
    file.add('first line', true)
    await expect(file.flush()).rejects.toMatchObject({ code: 'disk-full' })
    expect(await text()).toBe('')
    fault.strike = null
    await file.flush()
    expect(await text()).toBe('first line\n')
  })

  test('stays queued, also if the device is always full', async () => {
    await symlink('/dev/full', path)
    const { file } = createTested()
    file.add('first', true)
    await expect(file.flush()).rejects.toMatchObject({ code: 'disk-full' })
    await rm(path)
    await file.flush()
    expect(await text()).toBe('first\n')
  })
})

describe('lines that are added while a write fails', () => {
  test('follow the failed lines once there is room', async () => {
    const { file, fault } = createTested()
    fault.strike = call => {
      if (call.operation !== 'write') return
      file.add('second', true)
      throw systemError('ENOSPC')
    }
    file.add('first', true)
    await expect(file.flush()).rejects.toMatchObject({ code: 'disk-full' })
    fault.strike = null
    await file.flush()
    expect(await text()).toBe('first\nsecond\n')
  })
})

describe('lines that cannot be written for a long time', () => {
  test('stay queued up to a limit, beyond which the oldest non-lasting ones are discarded and counted', async () => {
    const givenUp: number[] = []
    const { file, fault } = createTested({ keptAtMost: 40, onGivenUp: lines => givenUp.push(lines) })
    fault.strike = failing('open', 'EMFILE')
    file.add('epoch', true)
    // Each has 10 characters with its line end. With the 6 of the first line, the fourth exceeds 40: down to 20.
    for (const number of [1, 2, 3, 4]) file.add(`step ${number}...`, false)
    await expect(file.flush()).rejects.toMatchObject({
      code: 'file-not-written',
      received: expect.stringMatching(/EMFILE/),
    })
    expect(givenUp).toEqual([3])
    fault.strike = null
    await file.flush()
    expect(await text()).toBe('epoch\nstep 4...\n')
  })

  test('stay queued beyond the limit if they are lasting', async () => {
    const { file, fault } = createTested({ keptAtMost: 10 })
    fault.strike = failing('open', 'EIO')
    for (const number of [1, 2, 3]) file.add(`epoch ${number}`, true)
    await expect(file.flush()).rejects.toMatchObject({ code: 'file-not-written' })
    fault.strike = null
    await file.flush()
    expect(await text()).toBe('epoch 1\nepoch 2\nepoch 3\n')
  })
})

describe('a file that is removed meanwhile', () => {
  test('is created again with its lasting lines, including those that it held at first', async () => {
    await writeFile(path, 'epoch 1\nstep 5\n')
    const { file } = createTested({ content: { bytes: 15, lasting: ['epoch 1'] } })
    file.add('step 6', false)
    file.add('epoch 2', true)
    await file.flush()
    await rm(path)
    await file.flush()
    expect(await text()).toBe('epoch 1\nepoch 2\n')
    file.add('step 9', false)
    await file.flush()
    expect(await text()).toBe('epoch 1\nepoch 2\nstep 9\n')
  })

  test('is synced again although it is as long as before', async () => {
    const { file, fault } = createTested()
    file.add('epoch 1', true)
    await file.settle()
    await rm(path)
    await file.flush()
    let syncs = 0
    fault.strike = ({ operation }) => {
      if (operation === 'sync') syncs++
    }
    await file.settle()
    expect([syncs, await text()]).toEqual([1, 'epoch 1\n'])
  })
})

describe('a file that another writer has taken over', () => {
  const superseded = new LockstepError('superseded', 'another coordinator has gone on')

  test('is no longer written, and the error of `confirm` is passed on', async () => {
    const owner = { changed: false }
    const { file } = createTested({ confirm: async () => (owner.changed ? Promise.reject(superseded) : undefined) })
    file.add('a', true)
    await file.flush()
    owner.changed = true
    file.add('b', true)
    await expect(file.flush()).rejects.toBe(superseded)
    expect(await text()).toBe('a\n')
  })

  test('while it was open is left alone, even to cut off a torn line', async () => {
    const { file, fault } = createTested()
    file.add('ours', true)
    await file.flush()
    fault.strike = async call => {
      if (call.operation !== 'write') return
      await writeFile(`${path}.other`, 'theirs, which is longer\n')
      await rename(`${path}.other`, path)
      await writeHalf(call)
    }
    file.add('ours again', true)
    await expect(file.flush()).rejects.toMatchObject({ code: 'disk-full' })
    expect(await text()).toBe('theirs, which is longer\n')
  })
})
