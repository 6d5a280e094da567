import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { hasSystemCode } from './error.ts'

/**
 * Creates a folder and its missing parents; does nothing where it exists. Creates them one by one, since Node's
 * `recursive` never ends below a folder that answers ENOENT, as /proc does, and reports ENOENT for a read-only file
 * system. Throws what the file system throws.
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

/** Another process may have created it meanwhile. */
function makeOne(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if (!isFolder(path)) throw error
  }
}

/** False also where the path cannot be examined. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
