import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { hasSystemCode, makeFolder } from '@lockstep/protocol'
import { z } from 'zod'

const manifestName = 'manifest.json'
/** Prefix of the names of folders with work in progress. */
export const asidePrefix = '.aside-'
const dayMs = 86_400_000

const manifestSchema = z.strictObject({
  format: z.literal(1),
  version: z.string(),
  files: z.array(
    z.strictObject({
      path: z.string(),
      bytes: z.int().min(0),
      sha256: z.string().length(64),
      modifiedMs: z.number(),
    }),
  ),
})

/** The contents of a cache entry. It is written last, so an entry without one is incomplete. */
export type Manifest = z.infer<typeof manifestSchema>
export type EntryFile = { readonly path: string; readonly sha256: string }

/**
 * Reads an entry's manifest and compares it with the files: size and modification time, and the SHA-256 if the time
 * differs. Returns undefined if the entry is missing, incomplete or damaged. Writes nothing. Throws the system's error
 * if the entry cannot be read.
 */
export async function readEntry(folder: string): Promise<Manifest | undefined> {
  const manifest = await readManifest(folder)
  if (manifest === undefined) return undefined
  const sound = await Promise.all(manifest.files.map(file => isUnchanged(folder, file)))
  return sound.every(Boolean) ? manifest : undefined
}

/** The paths of an entry's files whose bytes have changed since the installation; reads all files. */
export async function findDamagedFiles(folder: string, manifest: Manifest): Promise<readonly string[]> {
  const damaged: string[] = []
  for (const file of manifest.files) {
    const sha256 = await sha256OfFile(join(folder, file.path)).catch(() => undefined)
    if (sha256 !== file.sha256) damaged.push(file.path)
  }
  return damaged
}

/**
 * Creates an entry atomically: `fill` writes the files into a temporary folder, which gets its manifest and then its
 * final name. It replaces a damaged entry of that name. Call it while holding the cache's lock.
 */
export async function createEntry(
  cacheFolder: string,
  name: string,
  fill: (folder: string) => Promise<{ readonly version: string; readonly files: readonly EntryFile[] }>,
): Promise<Manifest> {
  const aside = await makeAside(cacheFolder)
  try {
    const { version, files } = await fill(aside)
    const manifest: Manifest = { format: 1, version, files: await Promise.all(files.map(file => measure(aside, file))) }
    await writeManifest(aside, manifest)
    await replaceFolder(cacheFolder, aside, join(cacheFolder, name))
    return manifest
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
}

/** Creates a folder in the cache for work in progress, named after this process's id. The caller must remove it. */
export async function makeAside(cacheFolder: string): Promise<string> {
  const folder = asidePath(cacheFolder)
  makeFolder(folder)
  return folder
}

/**
 * Finds the folders of killed installers, whose processes no longer run. A folder older than a day counts as one
 * without checking its process: in another container that process id may belong to a different process.
 */
export async function findLeftovers(cacheFolder: string): Promise<readonly string[]> {
  const leftovers: string[] = []
  for (const name of await readdir(cacheFolder)) {
    if (!name.startsWith(asidePrefix)) continue
    const folder = join(cacheFolder, name)
    const ageMs = Date.now() - (await stat(folder)).mtimeMs
    const processId = Number(name.slice(asidePrefix.length).split('-')[0])
    if (ageMs > dayMs || processId === process.pid || !isRunning(processId)) leftovers.push(folder)
  }
  return leftovers
}

/** The SHA-256 of a file in hexadecimal. Rejects if the file cannot be read. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(folder, manifestName), 'utf8')))
  } catch (error) {
    throwRefusal(error)
    return undefined
  }
}

async function isUnchanged(folder: string, file: Manifest['files'][number]): Promise<boolean> {
  const path = join(folder, file.path)
  try {
    const { size, mtimeMs } = await stat(path)
    if (size !== file.bytes) return false
    return mtimeMs === file.modifiedMs || (await sha256OfFile(path)) === file.sha256
  } catch (error) {
    throwRefusal(error)
    return false
  }
}

/** Rethrows errors of the system that replacing the entry would not fix. */
function throwRefusal(error: unknown): void {
  const isOfSystem = error instanceof Error && 'syscall' in error
  if (isOfSystem && !hasSystemCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw error
}

async function measure(folder: string, { path, sha256 }: EntryFile): Promise<Manifest['files'][number]> {
  const { size, mtimeMs } = await stat(join(folder, path))
  return { path, bytes: size, sha256, modifiedMs: mtimeMs }
}

async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const file = await open(join(folder, manifestName), 'wx')
  try {
    await writeFile(file, `${JSON.stringify(manifest, undefined, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function replaceFolder(cacheFolder: string, from: string, to: string): Promise<void> {
  const old = asidePath(cacheFolder)
  await rename(to, old).catch(error => {
    if (!hasSystemCode(error, 'ENOENT')) throw error
  })
  await rename(from, to).catch(error => {
    // Another installer took over the lock and has created the same entry first.
    if (!hasSystemCode(error, 'ENOTEMPTY', 'EEXIST')) throw error
  })
  await rm(old, { recursive: true, force: true })
}

function asidePath(cacheFolder: string): string {
  return join(cacheFolder, `${asidePrefix}${process.pid}-${randomUUID()}`)
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0)
  } catch (error) {
    return !hasSystemCode(error, 'ESRCH')
  }
}
