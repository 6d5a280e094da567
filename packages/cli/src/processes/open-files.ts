import { readFileSync } from 'node:fs'
import { LockstepError } from '@lockstep/protocol/error'

/** Node opens many of a program's files at once. With a limit of 104 a run could not load, with 112 it could. */
export const filesToLoad = 112

/**
 * Open files of the parent for each local worker: its output, its errors, an IPC channel, a connection, a lane, shared
 * memory, and those used while it starts.
 */
export const filesOfWorker = 8

/** An error if this process may open fewer than `needed` files; null if it may open enough or the limit is unknown. */
export function shortageOfFiles(needed: number): LockstepError | null {
  const limit = openFilesLimit()
  if (limit === null || limit >= needed) return null
  return new LockstepError('too-few-files', 'too few files may be open at once', {
    expected: `at least ${needed}`,
    received: `${limit}`,
    // Node has already raised the soft limit to the hard one.
    hint: `Raise the limit with \`ulimit -n 1024\` as root, or start from a shell in which \`ulimit -Hn\` shows more: limits.conf, systemd's LimitNOFILE and a container's --ulimit nofile set it.`,
  })
}

/** The limit of open files; null if unknown or on systems other than Linux. */
function openFilesLimit(): number | null {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? null : Number(soft)
  } catch {
    // Not Linux.
    return null
  }
}
