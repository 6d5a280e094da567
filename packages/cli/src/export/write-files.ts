import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeAtomically } from '@lockstep/coordinator'
import { hasSystemCode, LockstepError, makeFolder, reasonOf } from '@lockstep/protocol'

/** Throws `export-taken` if a path is taken by a folder, or, without `--force`, by a file. */
export async function refuseTaken(paths: readonly string[], force: boolean): Promise<void> {
  for (const path of paths) {
    const found = await kindOf(path)
    if (found === 'folder') throw isFolder(path)
    if (found === null || force) continue
    throw new LockstepError('export-taken', `${path} is there already`, {
      kind: 'usage',
      hint: 'Name another place with --out, or overwrite it with --force.',
    })
  }
}

/** Writes each file atomically and creates its folders. Throws `export-not-written`. */
export async function writeFiles(paths: readonly string[], contents: readonly (Uint8Array | string)[]): Promise<void> {
  for (const [index, path] of paths.entries()) {
    try {
      makeFolder(dirname(path))
      await writeAtomically(path, contents[index]!)
    } catch (cause) {
      throw notWritten(path, cause)
    }
  }
}

async function kindOf(path: string): Promise<'file' | 'folder' | null> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return null
    throw notWritten(path, error)
  }
}

function isFolder(path: string): LockstepError {
  return new LockstepError('export-taken', `${path} is a folder`, {
    kind: 'usage',
    expected: 'a file name',
    hint: `Name a file in it, such as --out ${join(path, 'NAME')}.`,
  })
}

function notWritten(path: string, cause: unknown): LockstepError {
  const reason = cause instanceof LockstepError ? (cause.received ?? cause.message) : reasonOf(cause)
  const hint = 'Name another place with --out.'
  return new LockstepError('export-not-written', `${path} cannot be written`, { received: reason, hint, cause })
}
