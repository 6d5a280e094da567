import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { makeFolder } from '../../src/common/make-folder.ts'

/** What another process does as soon as this one has tried to make a folder. */
const another = vi.hoisted(() => ({ acts: () => {} }))
vi.mock('node:fs', async original => {
  const fs = await original<typeof import('node:fs')>()
  const mkdirSync = (path: string) => {
    try {
      fs.mkdirSync(path)
    } finally {
      another.acts()
    }
  }
  return { ...fs, mkdirSync }
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-make-folder-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

describe('a folder', () => {
  test('is made with those above it that are missing, and left alone where it is there', () => {
    const path = join(temporaryFolder(), 'a', 'b', 'c')
    makeFolder(path)
    writeFileSync(join(path, 'file'), '')
    makeFolder(path)
    expect(existsSync(join(path, 'file'))).toBe(true)
  })

  test('is made while another process makes those above it', () => {
    const parent = join(temporaryFolder(), 'a')
    another.acts = () => execFileSync('mkdir', ['-p', parent])
    onTestFinished(() => {
      another.acts = () => {}
    })
    makeFolder(join(parent, 'b'))
    expect(existsSync(join(parent, 'b'))).toBe(true)
  })

  test('is not made in the place of a file, below one, or through a link to nothing', () => {
    const folder = temporaryFolder()
    const file = join(folder, 'file')
    const link = join(folder, 'link')
    writeFileSync(file, '')
    symlinkSync(join(folder, 'nothing'), link)
    expect(() => makeFolder(file)).toThrow('EEXIST')
    expect(() => makeFolder(join(file, 'a', 'b'))).toThrow('ENOTDIR')
    expect(() => makeFolder(join(link, 'a'))).toThrow('EEXIST')
  })

  test.runIf(existsSync('/proc/self'))('that the system denies below one that is there ends with what it says', () => {
    expect(() => makeFolder('/proc/lockstep/a')).toThrow("ENOENT: no such file or directory, mkdir '/proc/lockstep'")
  })
})
