import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasSystemCode, LockstepError, reasonOf } from '@lockstep/protocol'

/** Refuses a path to which a trace cannot be written. Throws `bad-trace`. */
export async function refuseTracePlace(path: string): Promise<void> {
  const folder = dirname(path)
  if ((await kindOf(path)) === 'folder') throw bad(`${path} is a folder`, 'Name a file in it, or another one.')
  const found = await kindOf(folder)
  if (found === 'file') throw bad(`${folder} is a file`, 'Name a file in a folder that is there.')
  if (found === null) throw bad(`the folder ${folder} is not there`, 'Make it, or name a file in another one.')
}

/** Null if the path does not exist. */
async function kindOf(path: string): Promise<'file' | 'folder' | null> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) return null
    const received = reasonOf(cause)
    throw new LockstepError('bad-trace', `--trace: ${path} cannot be looked at`, { kind: 'usage', received, cause })
  }
}

function bad(message: string, hint: string): LockstepError {
  return new LockstepError('bad-trace', `--trace: ${message}`, { kind: 'usage', expected: 'a file name', hint })
}
