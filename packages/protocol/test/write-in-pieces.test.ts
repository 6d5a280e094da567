import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { writeWhole } from '../src/common/write-whole.ts'

/** A system call can write less than it is given: here at most three bytes. */
vi.mock('node:fs', async original => {
  const actual = await original<typeof import('node:fs')>()
  return {
    ...actual,
    writeSync: (file: number, bytes: Uint8Array, from: number, length: number, position: number | null) =>
      actual.writeSync(file, bytes, from, Math.min(length, 3), position),
  }
})

/** A file of ten dots, and its descriptor at position 0. */
function openDots(): { readonly path: string; readonly descriptor: number } {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  const path = join(folder, 'dots')
  writeFileSync(path, '.'.repeat(10))
  const descriptor = openSync(path, 'r+')
  onTestFinished(() => {
    closeSync(descriptor)
    rmSync(folder, { recursive: true })
  })
  return { path, descriptor }
}

test('pieces that are written at a position follow each other from there', () => {
  const { path, descriptor } = openDots()
  writeWhole(descriptor, Buffer.from('abcdefgh'), 1)
  expect(readFileSync(path, 'latin1')).toBe('.abcdefgh.')
})

test('pieces that are written without a position follow the position of the descriptor', () => {
  const { path, descriptor } = openDots()
  writeWhole(descriptor, Buffer.from('abcde'))
  writeWhole(descriptor, Buffer.from('fg'))
  expect(readFileSync(path, 'latin1')).toBe('abcdefg...')
})
