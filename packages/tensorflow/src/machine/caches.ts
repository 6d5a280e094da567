import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { formatBytes, userCacheFolder } from '@lockstep/protocol'
import { freeBytes } from '../disk-space.ts'
import type { Finding } from './finding.ts'

/** Inspects lockstep's folder in the user's cache: its contents, their size, and the free disk space. */
export async function inspectCache(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const folder = userCacheFolder(environment)
  const free = await freeBytesAround(folder)
  const names = (await readdir(folder).catch(() => [])).filter(name => !name.endsWith('.lock')).sort()
  const sizes = await Promise.all(names.map(name => folderBytes(join(folder, name))))
  const contents = names.map((name, index) => `${name} ${formatBytes(sizes[index] ?? 0)}`)
  return {
    subject: 'Cache',
    state: 'ok',
    value: `${folder}: ${contents.join(', ') || 'empty'}; ${formatBytes(free)} free`,
    facts: { folder, contents, bytes: sizes.reduce((sum, size) => sum + size, 0), freeBytes: free },
  }
}

/** The free space for a folder that may not exist yet. */
async function freeBytesAround(folder: string): Promise<number> {
  try {
    return await freeBytes(folder)
  } catch {
    return dirname(folder) === folder ? 0 : await freeBytesAround(dirname(folder))
  }
}

async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter(entry => entry.isFile())
  const sizes = await Promise.all(files.map(file => stat(join(file.parentPath, file.name)).then(found => found.size)))
  return sizes.reduce((sum, size) => sum + size, 0)
}
