import { readFileSync } from 'node:fs'
import { LockstepError } from '@lockstep/protocol/error'

/** Node opens the files of a program together: with 104 a run could not load all of them, with 112 it could. */
export const filesToLoad = 112

/** What a local worker takes of its parent: its output, its errors, a channel, a connection, a lane, shared memory; and while it is started. */
export const filesOfWorker = 8

/** That this process may open fewer files at once than it needs, as an error; null where it may, or where nobody knows. */
export function shortageOfFiles(needed: number): LockstepError | null {
  const limit = openFilesLimit()
  if (limit === null || limit >= needed) return null
  return new LockstepError('too-few-files', 'too few files may be open at once', {
    expected: `at least ${needed}`,
    received: `${limit}`,
    // Node itself has raised the limit to the hard one.
    hint: `Raise the limit with \`ulimit -n 1024\` as root, or start from a shell in which \`ulimit -Hn\` shows more: limits.conf, systemd's LimitNOFILE and a container's --ulimit nofile set it.`,
  })
}

/** Null on a system that does not say. */
function openFilesLimit(): number | null {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? null : Number(soft)
  } catch {
    // Another system than Linux.
    return null
  }
}
