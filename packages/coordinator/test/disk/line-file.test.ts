import { readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { createLineFile } from '../../src/disk/line-file.ts'
import { temporaryFolder } from '../support/folder.ts'
import { type DiskCall, systemError, unrulyDisk, writeHalf } from '../support/unruly-disk.ts'

let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'lines')
})

const text = () => readFile(path, 'utf8')

/** A file on a disk that can be made to fail. */
function createTested(options: Partial<Parameters<typeof createLineFile>[0]> = {}) {
  const fault: { strike: ((call: DiskCall) => void | Promise<void>) | null } = { strike: null }
  const disk = unrulyDisk(call => fault.strike?.(call))
  return { fault, file: createLineFile({ path, disk, ...options }) }
}

const failing =
  (operation: DiskCall['operation'], code: string) =>
  (call: DiskCall): void => {
    if (call.operation === operation) throw systemError(code)
  }

describe('a file of lines', () => {
  test('has the lines in the order in which they came, also of writes that overlap', async () => {
    const { file } = createTested()
    file.add('a', true)
    const first = file.flush()
    file.add('b', false)
    await Promise.all([first, file.flush(), file.flush()])
    expect(await text()).toBe('a\nb\n')
    expect(file.keptLength()).toBe(0)
  })

  test('goes on behind what is in it', async () => {
    await writeFile(path, 'grün\n')
    const { file } = createTested({ content: { bytes: Buffer.byteLength('grün\n'), lasting: [] } })
    file.add('b', true)
    await file.settle()
    expect(await text()).toBe('grün\nb\n')
  })

  test('is synchronised once for all lines that it has', async () => {
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

  test('is synchronised again when lines came while it was', async () => {
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

  test('is not made before there is a line', async () => {
    const { file } = createTested()
    await file.settle()
    await expect(text()).rejects.toThrow('ENOENT')
  })
})

describe('a line that finds no room', () => {
  test('is taken off again where it was written in part, and written whole when there is room', async () => {
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

  test('is taken off before the next one where that was not possible at once', async () => {
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

  test('in a file that has none yet leaves it empty', async () => {
    const { file, fault } = createTested()
    fault.strike = call => (call.operation === 'write' ? writeHalf(call) : undefined)
    file.add('first line', true)
    await expect(file.flush()).rejects.toMatchObject({ code: 'disk-full' })
    expect(await text()).toBe('')
    fault.strike = null
    await file.flush()
    expect(await text()).toBe('first line\n')
  })

  test('on a device that is always full is kept', async () => {
    await symlink('/dev/full', path)
    const { file } = createTested()
    file.add('first', true)
    await expect(file.flush()).rejects.toMatchObject({ code: 'disk-full' })
    await rm(path)
    await file.flush()
    expect(await text()).toBe('first\n')
  })
})

describe('lines that come while others are not written', () => {
  test('are behind them when there is room', async () => {
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

describe('lines that cannot be written for long', () => {
  test('are kept up to a limit: the oldest that do not last are given up, and it is told how many', async () => {
    const givenUp: number[] = []
    const { file, fault } = createTested({ keptAtMost: 40, onGivenUp: lines => givenUp.push(lines) })
    fault.strike = failing('open', 'EMFILE')
    file.add('epoch', true)
    // 10 characters each with the end of the line; with the first one's 6 the fourth goes above 40, down to 20.
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

  test('that last are kept beyond it', async () => {
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
  test('begins again with its lasting lines, those it had at first included', async () => {
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

  test('is synchronised anew although it is as long as it was', async () => {
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

describe("a file that has become another writer's", () => {
  const superseded = new LockstepError('superseded', 'another coordinator has gone on')

  test('is not written any more, and that is thrown as it is', async () => {
    const owner = { changed: false }
    const { file } = createTested({ confirm: async () => (owner.changed ? Promise.reject(superseded) : undefined) })
    file.add('a', true)
    await file.flush()
    owner.changed = true
    file.add('b', true)
    await expect(file.flush()).rejects.toBe(superseded)
    expect(await text()).toBe('a\n')
  })

  test('while it is open is not touched: what is cut off or written is the one that was replaced', async () => {
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
