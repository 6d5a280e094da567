import { execFile, execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A disk on which a process finds no room for a checkpoint, until it is given some. */
export type TightDisk = {
  /** Stands before the command line of the process. */
  readonly wrap: readonly string[]
  /** What the system says to it. */
  readonly systemSays: RegExp
  /** Gives room, to the process of this number. */
  readonly widen: (pid: number) => Promise<void>
}

/**
 * A file system in memory at this folder, nearly full, which only the process sees; where the system does not let us mount
 * one, a limit to the size of its files.
 */
export function tightDisk(folder: string): TightDisk {
  const mount = ['mount', '-t', 'tmpfs', '-o', 'size=32m', 'tight', folder]
  const filler = join(folder, 'filler')
  // A checkpoint of the reference net has 3.1 MB, two of which may lie there at once beside what else a run writes.
  const fill = `head -c ${31_000_000} /dev/zero > ${filler}`
  const inNamespace = (script: string) => ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh']
  if (works(inNamespace(mount.join(' ')))) {
    return {
      wrap: inNamespace(`${mount.join(' ')} && ${fill} && exec "$@"`),
      systemSays: /the disk is full/,
      widen: pid => rm(`/proc/${pid}/root${filler}`),
    }
  }
  return {
    wrap: ['prlimit', '--fsize=1000000:unlimited'],
    systemSays: /EFBIG/,
    widen: async pid => void (await run('prlimit', ['--pid', String(pid), '--fsize=unlimited:unlimited'])),
  }
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
