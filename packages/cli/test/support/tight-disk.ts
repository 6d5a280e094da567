import { execFile, execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A disk on which a process has no room for a second checkpoint until it is widened. */
export type TightDisk = {
  /** Words to put before the command line of the process. */
  readonly wrap: readonly string[]
  /** Variables for its environment. */
  readonly environment: Readonly<Record<string, string>>
  /** The system error that the process reports. */
  readonly systemSays: RegExp
  /** Takes the room from the process; to be called once its run has begun. */
  readonly narrow: (pid: number) => Promise<void>
  /** Gives the process room. */
  readonly widen: (pid: number) => Promise<void>
}

/**
 * A nearly full file system in memory at this folder, which only the process sees; if it cannot be mounted, a limit to
 * the size of the files of the process.
 */
export function tightDisk(folder: string): TightDisk {
  const mount = ['mount', '-t', 'tmpfs', '-o', 'size=32m', 'tight', folder]
  const filler = join(folder, 'filler')
  // Leaves 5 of 33.5 MB: a checkpoint of the reference net has 3.1 MB, so the first one fits and the next does not.
  const fill = `head -c 28500000 /dev/zero > ${filler}`
  const inNamespace = (script: string) => ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh']
  if (works(inNamespace(mount.join(' ')))) {
    return {
      wrap: inNamespace(`${mount.join(' ')} && ${fill} && exec "$@"`),
      environment: {},
      systemSays: /the disk is full/,
      narrow: async () => undefined,
      widen: pid => rm(`/proc/${pid}/root${filler}`),
    }
  }
  return {
    wrap: [],
    // Shared memory consists of files too.
    environment: { LOCKSTEP_SHARED_MEMORY: 'off' },
    systemSays: /EFBIG/,
    narrow: pid => limitFileSize(pid, '1000000'),
    widen: pid => limitFileSize(pid, 'unlimited'),
  }
}

/** Limits the size of the files of a process and of those it starts from now on, in bytes or `unlimited`. */
export async function limitFileSize(pid: number, limit: string): Promise<void> {
  await run('prlimit', ['--pid', String(pid), `--fsize=${limit}:unlimited`])
}

function works([command, ...args]: readonly string[]): boolean {
  try {
    execFileSync(command!, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Stops a process from opening files, or removes that limit. */
export async function limitFiles(pid: number, isLimited: boolean): Promise<void> {
  const { stdout } = await run('prlimit', [
    '--pid',
    String(pid),
    '--nofile',
    '--raw',
    '--noheadings',
    '--output',
    'HARD',
  ])
  await run('prlimit', ['--pid', String(pid), `--nofile=${isLimited ? 3 : stdout.trim()}:${stdout.trim()}`])
}
