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
    mkdirSync(path)
  } catch (error) {
    if (statOf(path)?.isDirectory()) return
    const parent = dirname(path)
    if (!hasSystemCode(error, 'ENOENT') || statOf(parent) !== null) throw error
    makeFolder(parent)
    makeFolder(path)
  }
}

/** Null where nothing can be seen. */
function statOf(path: string): ReturnType<typeof statSync> | null {
  try {
    return statSync(path)
  } catch {
    return null
  }
}
