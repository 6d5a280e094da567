import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { hasSystemCode, userCacheFolder } from '@lockstep/protocol'
import type { CifarFormat } from './format.ts'

/** The folders in which data sets are looked for: `--data-dir` alone, else `LOCKSTEP_DATA_DIR` and the user's cache. */
export function dataPlaces(dataDir: string | undefined, environment: NodeJS.ProcessEnv): readonly string[] {
  if (dataDir !== undefined) return [dataDir]
  const named = environment.LOCKSTEP_DATA_DIR
  return [...(named ? [named] : []), dataCacheFolder(environment)]
}

export function dataCacheFolder(environment: NodeJS.ProcessEnv): string {
  return join(userCacheFolder(environment), 'data')
}

/** The data set's own folder at a place: the place itself or the folder of the official name in it; null if neither is. */
export async function findCifarFolder(place: string, format: CifarFormat): Promise<string | null> {
  const candidates = basename(resolve(place)) === format.folder ? [place] : [join(place, format.folder)]
  for (const candidate of candidates) if (await isFolder(candidate)) return candidate
  return null
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}
