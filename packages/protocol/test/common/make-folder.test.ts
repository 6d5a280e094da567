import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { makeFolder } from '../../src/common/make-folder.ts'

/** What another process does as soon as this one has tried to create a folder. */
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
  test('is created with its missing parents, and left unchanged if it exists', () => {
    const path = join(temporaryFolder(), 'a', 'b', 'c')
    makeFolder(path)
    writeFileSync(join(path, 'file'), '')
    makeFolder(path)
    expect(existsSync(join(path, 'file'))).toBe(true)
  })

  test('is created while another process creates its parents', () => {
    const parent = join(temporaryFolder(), 'a')
    another.acts = () => execFileSync('mkdir', ['-p', parent])
    onTestFinished(() => {
      another.acts = () => {}
    })
    makeFolder(join(parent, 'b'))
    expect(existsSync(join(parent, 'b'))).toBe(true)
  })

  test('is not created in place of a file, below a file, or through a dangling link', () => {
    const folder = temporaryFolder()
    const file = join(folder, 'file')
    const link = join(folder, 'link')
    writeFileSync(file, '')
    symlinkSync(join(folder, 'nothing'), link)
    expect(() => makeFolder(file)).toThrow('EEXIST')
    expect(() => makeFolder(join(file, 'a', 'b'))).toThrow('ENOTDIR')
    expect(() => makeFolder(join(link, 'a'))).toThrow('EEXIST')
  })

  test.runIf(existsSync('/proc/self'))('that the system does not allow fails with the error of the system', () => {
    expect(() => makeFolder('/proc/lockstep/a')).toThrow("ENOENT: no such file or directory, mkdir '/proc/lockstep'")
  })
})
