import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { hasSystemCode } from './error.ts'

/**
 * Makes a folder and those above it that are missing; does nothing where it is there. One by one, since Node's `recursive`
 * never ends below a folder that answers ENOENT, as /proc does, and says ENOENT of a read-only file system.
 * Throws what the file system throws.
 */
export function makeFolder(path: string): void {
  try {
    makeOne(path)
  } catch (error) {
    const parent = dirname(path)
    if (!hasSystemCode(error, 'ENOENT') || parent === path) throw error
    makeFolder(parent)
    makeOne(path)
  }
}

/** Another process may have made it meanwhile. */
function makeOne(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if (!isFolder(path)) throw error
  }
}

/** False also where nothing can be seen. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
