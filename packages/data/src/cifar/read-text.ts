import { readFile, stat } from 'node:fs/promises'
import { hasSystemCode, LockstepError, reasonOf } from '@lockstep/protocol'
import { maxTextBytes } from './format.ts'

/** Reads a file of names or counts; null if it does not exist. Throws `data-damaged` or `data-unreadable`. */
export async function readText(file: string): Promise<string | null> {
  try {
    const { size } = await stat(file)
    if (size > maxTextBytes) throw tooLong(file, size)
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) return null
    if (cause instanceof LockstepError) throw cause
    const hint = 'Check who may read it, and the disk.'
    throw new LockstepError('data-unreadable', `${file} cannot be read`, { received: reasonOf(cause), hint, cause })
  }
}

function tooLong(file: string, bytes: number): LockstepError {
  return new LockstepError('data-damaged', `${file} is too long`, {
    expected: `at most ${maxTextBytes} bytes`,
    received: `${bytes} bytes`,
    hint: 'Remove it, or get the data set again.',
  })
}
