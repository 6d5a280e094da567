import { existsSync, rmdirSync, rmSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { hasSystemCode, LockstepError } from '@lockstep/protocol'
import { z } from 'zod'
import { makeFolderDurably, writeError } from '../disk/atomic-file.ts'
import { identifyProcess, isSameProcess } from './process-identity.ts'

/**
 * A process's claim to be the only one that continues the run in a folder. The claim ends with the process, however
 * that ends; a process that exits normally also removes its file.
 */
export type FolderClaim = {
  /**
   * Throws `run-folder-in-use` where another process holds the claim, and what a failed write throws. Further calls do
   * nothing.
   */
  readonly take: () => Promise<void>
  /** Takes the claim again after the folder had been removed. */
  readonly renew: () => Promise<void>
  /** Releases the claim. A folder that was created for it and is still empty is removed. */
  readonly release: () => Promise<void>
}

const holderSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** ISO 8601. */
  since: z.string(),
  /** Distinguishes the process from a later one with the same number; null where the system does not tell. */
  identity: z.string().nullable(),
})

type Holder = z.infer<typeof holderSchema>

type Lock = { readonly name: string; readonly number: number; readonly holder: Holder | null }

/**
 * Nothing is written before the claim is taken. A claim is a file `lock-N.json`, created only if no file of that number
 * exists. A process that finds another live process's file withdraws. So at most one of two simultaneous processes gets
 * the claim, even if both found the file of a dead one. And one of them does get it: a process that finds a file being
 * written first waits to see whose it is, instead of creating its own, from which the other would withdraw.
 *
 * @param writingMs - long enough for any process to write some 150 bytes to a file that it has created
 */
export function createFolderClaim(path: string, writingMs = 500): FolderClaim {
  let held: string | null = null
  let hasMade = false
  const text = `${JSON.stringify(describeHolder())}\n`

  async function take(): Promise<void> {
    if (held !== null) return
    if (!existsSync(path)) hasMade = true
    await makeFolderDurably(path)
    try {
      held = await claim(path, text, writingMs)
    } catch (error) {
      if (hasMade) removeEmpty(path)
      throw error instanceof LockstepError ? error : writeError(path, error)
    }
    process.once('exit', release)
  }

  function release(): void {
    process.off('exit', release)
    if (held === null) return
    rmSync(join(path, held), { force: true })
    held = null
    if (hasMade) removeEmpty(path)
  }

  return {
    take,
    renew: async () => {
      process.off('exit', release)
      held = null
      await take()
    },
    release: async () => release(),
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    if (!hasSystemCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error
  }
}

/**
 * Whether a process that may be alive has claimed a folder. A process on another machine may always be alive. False
 * where the folder cannot be read.
 */
export async function isClaimed(path: string): Promise<boolean> {
  const locks = await readLocks(path).catch(() => [])
  return locks.some(({ holder }) => holder !== null && mayLive(holder))
}

/** Returns the name of the claim's file. */
async function claim(path: string, text: string, writingMs: number): Promise<string> {
  for (;;) {
    const found = await readWrittenLocks(path, writingMs)
    refuseAlive(path, found)
    const name = `lock-${1 + Math.max(0, ...found.map(({ number }) => number))}.json`
    if (!(await createFile(join(path, name), text))) continue
    const others = (await readLocks(path)).filter(lock => lock.name !== name)
    try {
      refuseAlive(path, others)
    } catch (error) {
      await rm(join(path, name), { force: true })
      throw error
    }
    for (const dead of others) await rm(join(path, dead.name), { force: true })
    return name
  }
}

function describeHolder(): Holder {
  const { pid } = process
  return { pid, host: hostname(), since: new Date().toISOString(), identity: identifyProcess(pid) }
}

/** Ignores unreadable files: their process died while writing, or has yet to look for other claims. */
function refuseAlive(path: string, locks: readonly Lock[]): void {
  for (const { name, holder } of locks) if (holder !== null && mayLive(holder)) throw inUse(path, name, holder)
}

/** The state of a process on another machine is unknown here. */
function mayLive({ pid, host, identity }: Holder): boolean {
  return host !== hostname() || isSameProcess(pid, identity)
}

/** Waits for files that are being written. */
async function readWrittenLocks(path: string, writingMs: number): Promise<readonly Lock[]> {
  const deadlineMs = performance.now() + writingMs
  for (;;) {
    const locks = await readLocks(path)
    if (locks.every(({ holder }) => holder !== null) || performance.now() > deadlineMs) return locks
    await setTimeout(10)
  }
}

async function readLocks(path: string): Promise<readonly Lock[]> {
  const locks: Lock[] = []
  for (const name of await readdir(path)) {
    const number = /^lock-(\d+)\.json$/.exec(name)?.[1]
    if (number !== undefined) locks.push({ name, number: Number(number), holder: await readHolder(join(path, name)) })
  }
  return locks
}

async function readHolder(file: string): Promise<Holder | null> {
  const text = await readFile(file, 'utf8').catch(error => {
    if (hasSystemCode(error, 'ENOENT')) return ''
    throw error
  })
  try {
    return holderSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** False where the file exists already. */
async function createFile(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (hasSystemCode(error, 'EEXIST')) return false
    // Created but not written, for example on a full disk.
    await rm(file, { force: true })
    throw error
  }
}

function inUse(path: string, name: string, { pid, host, since }: Holder): LockstepError {
  const isHere = host === hostname()
  return new LockstepError('run-folder-in-use', `${path} is in use: another process is running it`, {
    received: `process ${pid} on ${host}, since ${since}`,
    hint: isHere
      ? 'Wait until it has ended, or stop it.'
      : `This machine cannot tell whether it is still running. If it is not, remove ${join(path, name)}.`,
  })
}
