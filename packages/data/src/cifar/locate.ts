import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { hasSystemCode, userCacheFolder } from '@lockstep/protocol'
import type { CifarFormat } from './format.ts'

/** The folders to search for data sets: only `--data-dir` if given, else `LOCKSTEP_DATA_DIR` and the user's cache. */
export function dataPlaces(dataDir: string | undefined, environment: NodeJS.ProcessEnv): readonly string[] {
  if (dataDir !== undefined) return [dataDir]
  const named = environment.LOCKSTEP_DATA_DIR
  return [...(named ? [named] : []), dataCacheFolder(environment)]
}

/** The folder for fetched data sets. */
export function dataCacheFolder(environment: NodeJS.ProcessEnv): string {
  return join(userCacheFolder(environment), 'data')
}

/**
 * Finds the data set's own folder at a place: the folder of the official name in it, or the place itself if it has that
 * name or contains any of the files; otherwise null. Does not check the files.
 */
export async function findCifarFolder(place: string, format: CifarFormat): Promise<string | null> {
  const inside = join(place, format.folder)
  if (await isThere(inside)) return inside
  if (!(await isThere(place))) return null
  if (basename(resolve(place)) === format.folder) return place
  for (const file of [...format.trainFiles, format.testFile]) if (await isThere(join(place, file))) return place
  return null
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}
