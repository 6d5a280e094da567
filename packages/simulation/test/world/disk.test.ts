import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Disk, systemDisk } from '@lockstep/coordinator'
import { tryOutDisk } from '@lockstep/coordinator/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createChance } from '../../src/world/chance.ts'
import { createSimulatedDisk } from '../../src/world/disk.ts'
import { createStage } from './support.ts'

function createTested(seed = 1) {
  const stage = createStage()
  const disk = createSimulatedDisk(stage.time, createChance(seed, 'disk'))
  const process = stage.enter('program')
  const text = (path: string) => {
    const bytes = disk.peek(path)
    return bytes === null ? null : new TextDecoder().decode(bytes)
  }
  return { stage, disk, process, text, use: disk.of(process) }
}

async function write(disk: Disk, path: string, mode: 'write' | 'append', text: string, sync = false): Promise<void> {
  const file = await disk.open(path, mode)
  await file.write(text)
  if (sync) await file.sync()
  await file.close()
}

test('the simulated disk behaves like the disk of this machine', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-simulation-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const { stage, use } = createTested()
  const simulated = tryOutDisk(use, '/')
  await stage.play()
  expect(await simulated).toEqual(await tryOutDisk(systemDisk, folder))
})

describe('a loss of power', () => {
  test('keeps what has been synced, with its name', async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { stage, disk, use, text } = createTested(seed)
      const written = (async () => {
        await write(use, '/file', 'write', 'content', true)
        const root = await use.open('/', 'read')
        await root.sync()
      })()
      await stage.play()
      await written
      disk.losePower('program')
      expect(text('/file')).toBe('content')
    }
  })

  test('leaves nothing, all, a part or zeros of what has not been synced', async () => {
    const found = new Set<string | null>()
    for (let seed = 1; seed <= 300; seed++) {
      const { stage, disk, use, text } = createTested(seed)
      const written = write(use, '/file', 'write', 'abc')
      await stage.play()
      await written
      disk.losePower('program')
      found.add(text('/file'))
    }
    expect([...found].sort()).toEqual([null, '', '\0\0\0', 'a', 'ab', 'abc'].sort())
  })
})

test('a loss of power affects only the files of its own machine', async () => {
  const found = new Set<string | null>()
  for (let seed = 1; seed <= 50; seed++) {
    const { stage, disk, use, text } = createTested(seed)
    const written = Promise.all([
      write(use, '/own', 'write', 'abc'),
      write(disk.of(stage.enter('other')), '/other', 'write', 'xyz'),
    ])
    await stage.play()
    await written
    disk.losePower('program')
    expect(text('/other')).toBe('xyz')
    found.add(text('/own'))
    disk.losePower('other')
    found.add(text('/other') === null ? 'other lost' : null)
  }
  expect([...found]).toEqual(expect.arrayContaining(['abc', null, 'other lost']))
})

test('a killed program leaves what it has written so far', async () => {
  const found = new Set<string | null>()
  for (let acts = 0; acts < 4; acts++) {
    const { stage, process, use, text } = createTested(acts + 3)
    process.dieAfter(acts, 'kill')
    void write(use, '/file', 'write', 'abcdef')
    await stage.play()
    found.add(text('/file'))
  }
  expect([...found].some(text => text === null || text.length < 6)).toBe(true)
  expect([...found].every(text => text === null || 'abcdef'.startsWith(text))).toBe(true)
})

test('a full disk fails a write with ENOSPC, and accepts writes when there is room again', async () => {
  const { stage, disk, use, text } = createTested()
  disk.setFull(true)
  const refused = write(use, '/file', 'write', 'abc').catch(error => error.code)
  await stage.play()
  expect(await refused).toBe('ENOSPC')
  disk.setFull(false)
  const written = write(use, '/file', 'write', 'abc')
  await stage.play()
  await written
  expect(text('/file')).toBe('abc')
})
