import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTraceFile } from '../../src/timing/trace-file.ts'
import { temporaryFolder } from '../support/folder.ts'

let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'trace.json')
})

const readEvents = async () => JSON.parse(await readFile(path, 'utf8')).traceEvents

describe('a trace file', () => {
  test('holds the events in order', async () => {
    const file = createTraceFile(path)
    for (const name of ['a', 'ä', 'b']) file.add(JSON.stringify({ name }))
    file.close()
    expect(await readEvents()).toEqual([{ name: 'a' }, { name: 'ä' }, { name: 'b' }])
  })

  test('is whole after each write, so that whoever is killed leaves it readable', async () => {
    const file = createTraceFile(path)
    // 64 KiB are kept before they are written: 700 events of 100 letters are more.
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

  test('keeps few events to itself', async () => {
    const file = createTraceFile(path)
    file.add('{"name":"a"}')
    file.settle()
    expect(await readEvents()).toEqual([])
    file.close()
    expect(await readEvents()).toEqual([{ name: 'a' }])
  })

  test('replaces what was there, also something longer', async () => {
    for (const events of [['{"name":"long ago"}', '{"name":"and more"}'], ['1']]) {
      const file = createTraceFile(path)
      events.forEach(file.add)
      file.close()
    }
    expect(await readEvents()).toEqual([1])
  })

  test('says clearly when it cannot be written', async () => {
    expect(() => createTraceFile(join(path, 'below'))).toThrowError(
      expect.objectContaining({ code: 'file-not-written' }),
    )
    await symlink('/dev/full', path)
    expect(() => createTraceFile(path)).toThrowError(expect.objectContaining({ code: 'disk-full' }))
  })
})
