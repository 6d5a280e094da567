import { execFile, execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A disk on which a process finds no room for a second checkpoint, until it is given some. */
export type TightDisk = {
  /** Stands before the command line of the process. */
  readonly wrap: readonly string[]
  /** For its environment. */
  readonly environment: Readonly<Record<string, string>>
  /** What the system says to it. */
  readonly systemSays: RegExp
  /** To be called of the process of this number when it has begun its run. */
  readonly narrow: (pid: number) => Promise<void>
  /** Gives it room. */
  readonly widen: (pid: number) => Promise<void>
}

/**
 * A file system in memory at this folder, nearly full, which only the process sees; where the system does not let us mount
 * one, a limit to the size of its files.
 */
export function tightDisk(folder: string): TightDisk {
  const mount = ['mount', '-t', 'tmpfs', '-o', 'size=32m', 'tight', folder]
  const filler = join(folder, 'filler')
  // Of 33.5 MB that leaves 5: a checkpoint of the reference net has 3.1, so the one of the start finds room and the next does not.
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
    // Which are files as well.
    environment: { LOCKSTEP_SHARED_MEMORY: 'off' },
    systemSays: /EFBIG/,
    narrow: pid => limitFileSize(pid, '1000000'),
    widen: pid => limitFileSize(pid, 'unlimited'),
  }
}

/** Lets a process, and those that it starts from now on, make no file longer than this, in bytes or `unlimited`. */
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

/** Lets a process open no more files, or as many as it may. */
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
