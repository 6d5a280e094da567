import { closeSync } from 'node:fs'
import { readdir, readFile, readlink, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTraceFile } from '../../src/timing/trace-file.ts'
import { temporaryFolder } from '../support/folder.ts'

let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'trace.json')
})

const noEnd = () => expect.unreachable()
const readEvents = async () => JSON.parse(await readFile(path, 'utf8')).traceEvents

/** The descriptor by which this process has a file open. */
async function descriptorOf(wanted: string): Promise<number> {
  for (const descriptor of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${descriptor}`).catch(() => '')
    if (target === wanted) return Number(descriptor)
  }
  throw new Error(`nobody has ${wanted} open`)
}

describe('a trace file', () => {
  test('holds the events in order', async () => {
    const file = createTraceFile(path, noEnd)
    for (const name of ['a', 'ä', 'b']) file.add(JSON.stringify({ name }))
    file.close()
    expect(await readEvents()).toEqual([{ name: 'a' }, { name: 'ä' }, { name: 'b' }])
  })

  test('is valid JSON after each write, so that it stays readable if the process is killed', async () => {
    const file = createTraceFile(path, noEnd)
    // The file buffers 64 KiB: 700 events of 100 letters are more.
    const letters = 'é'.repeat(100)
    const sizes: number[] = []
    for (let round = 1; round <= 3; round++) {
      for (let event = 0; event < 700; event++) file.add(JSON.stringify({ round, letters }))
      file.settle()
      const events: { round: number }[] = await readEvents()
      sizes.push(events.length)
      expect(events.at(-1)).toEqual({ round, letters })
    }
    expect(sizes).toEqual([700, 1400, 2100])
    file.close()
  })

  test('buffers a few events until it is closed', async () => {
    const file = createTraceFile(path, noEnd)
    file.add('{"name":"a"}')
    file.settle()
    expect(await readEvents()).toEqual([])
    file.close()
    expect(await readEvents()).toEqual([{ name: 'a' }])
  })

  test('replaces an earlier file, even a longer one', async () => {
    for (const events of [['{"name":"long ago"}', '{"name":"and more"}'], ['1']]) {
      const file = createTraceFile(path, noEnd)
      events.forEach(file.add)
      file.close()
    }
    expect(await readEvents()).toEqual([1])
  })

  test('ends at a write that fails, and reports that once', async () => {
    const reasons: string[] = []
    const file = createTraceFile(path, error => reasons.push(error.message))
    closeSync(await descriptorOf(path))
    file.add('x'.repeat(1 << 16))
    file.settle()
    expect(reasons).toEqual([`${path} could not be written`])
    file.add('{"name":"too late"}')
    file.close()
    expect(reasons).toHaveLength(1)
    expect(await readEvents()).toEqual([])
  })

  test('reports a clear error if it cannot be created', async () => {
    expect(() => createTraceFile(join(path, 'below'), noEnd)).toThrowError(
      expect.objectContaining({ code: 'file-not-written' }),
    )
    await symlink('/dev/full', path)
    expect(() => createTraceFile(path, noEnd)).toThrowError(expect.objectContaining({ code: 'disk-full' }))
  })
})
