import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeAtomically } from '@lockstep/coordinator'
import { hasSystemCode, LockstepError } from '@lockstep/protocol'

/** Throws `export-taken` if one of the files is there already. */
export async function refuseTaken(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (!(await exists(path))) continue
    throw new LockstepError('export-taken', `${path} is there already`, {
      kind: 'usage',
      hint: 'Name another place with --out, or overwrite it with --force.',
    })
  }
}

/** Writes each file whole or not at all, and the folders it lies in. Throws `export-not-written`. */
export async function writeFiles(paths: readonly string[], contents: readonly (Uint8Array | string)[]): Promise<void> {
  for (const [index, path] of paths.entries()) {
    try {
      await mkdir(dirname(path), { recursive: true })
      await writeAtomically(path, contents[index]!)
    } catch (cause) {
      throw notWritten(path, cause)
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return false
    throw notWritten(path, error)
  }
}

function notWritten(path: string, cause: unknown): LockstepError {
  const reason = cause instanceof LockstepError ? (cause.received ?? cause.message) : String(cause)
  const hint = 'Name another place with --out.'
  return new LockstepError('export-not-written', `${path} cannot be written`, { received: reason, hint, cause })
}
