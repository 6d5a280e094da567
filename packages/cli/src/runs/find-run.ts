import { readdir, stat } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import { runFiles } from '@lockstep/coordinator'
import { hasSystemCode, LockstepError, reasonOf } from '@lockstep/protocol'
import { type RunHeader, readRunHeader } from './read-run.ts'

const shownSuggestions = 5

/**
 * Finds the folder of a run by the path of its folder, by its name in `runsFolder` (or a unique prefix of it), or by
 * `latest`.
 * Throws `run-not-found`, `run-ambiguous` or `not-a-run`, all usage errors, and as `readRun` does if the reference can
 * only mean a damaged run.
 */
export async function findRun(reference: string, runsFolder: string): Promise<string> {
  if (reference !== 'latest' && (await isRunFolder(reference))) return reference
  if (reference.includes(sep)) throw await pathError(reference)
  // Its files may be damaged; the code that reads them reports that.
  if (await isRunFolder(join(runsFolder, reference))) return join(runsFolder, reference)
  const { runs, damaged } = await readHeaders(runsFolder)
  const matches = reference === 'latest' ? runs.slice(-1) : matchName(reference, runs)
  const [match, ...others] = matches
  if (match === undefined) throw damagedOf(reference, damaged) ?? notFound(reference, runsFolder, runs)
  if (others.length > 0) throw ambiguous(reference, matches)
  return match.folder
}

/** The run folders in a folder, sorted by name. Empty if the folder does not exist. */
export async function listRunFolders(runsFolder: string): Promise<readonly string[]> {
  const folders = (await readNames(runsFolder)).sort().map(name => join(runsFolder, name))
  const areRuns = await Promise.all(folders.map(isRunFolder))
  return folders.filter((_, index) => areRuns[index])
}

async function readNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return []
    const details = { kind: 'usage', expected: 'a folder of runs', hint: 'Name another --runs-dir.' } as const
    if (hasSystemCode(error, 'ENOTDIR')) throw new LockstepError('runs-unreadable', `${folder} is a file`, details)
    const received = reasonOf(error)
    throw new LockstepError('runs-unreadable', `${folder} cannot be listed`, { ...details, received, cause: error })
  }
}

async function isRunFolder(folder: string): Promise<boolean> {
  return exists(join(folder, runFiles.config))
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw new LockstepError('run-unreadable', `${path} cannot be read`, { received: reasonOf(error), cause: error })
  }
}

type DamagedRun = { readonly folder: string; readonly error: unknown }

/** The headers of readable runs, sorted by time, and the errors of the others. */
async function readHeaders(
  runsFolder: string,
): Promise<{ readonly runs: readonly RunHeader[]; readonly damaged: readonly DamagedRun[] }> {
  const folders = await listRunFolders(runsFolder)
  const results = await Promise.allSettled(folders.map(readRunHeader))
  const runs = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const damaged = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ folder: folders[index]!, error: result.reason }] : [],
  )
  return { runs: runs.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime()), damaged }
}

/** The error of the damaged run whose folder name begins with `reference`; null if there is none. */
function damagedOf(reference: string, damaged: readonly DamagedRun[]): unknown {
  return damaged.find(({ folder }) => basename(folder).startsWith(reference))?.error ?? null
}

/** The runs with the best match: with that folder name, else with that name, else with a name that begins with it. */
function matchName(reference: string, runs: readonly RunHeader[]): readonly RunHeader[] {
  const rules: readonly ((run: RunHeader) => boolean)[] = [
    run => basename(run.folder) === reference,
    run => run.name === reference,
    run => basename(run.folder).startsWith(reference) || run.name.startsWith(reference),
  ]
  return rules.map(rule => runs.filter(rule)).find(matches => matches.length > 0) ?? []
}

async function pathError(path: string): Promise<LockstepError> {
  const details = {
    kind: 'usage',
    expected: `a folder with ${runFiles.config} in it`,
    hint: '`pnpm cli runs` lists the runs.',
  } as const
  if (await exists(path)) return new LockstepError('not-a-run', `${path} is not a run folder`, details)
  return new LockstepError('run-not-found', `there is no ${path}`, details)
}

function notFound(reference: string, runsFolder: string, runs: readonly RunHeader[]): LockstepError {
  if (runs.length === 0) {
    return new LockstepError('run-not-found', `there is no run ${quote(reference)}: ${runsFolder} holds no runs`, {
      kind: 'usage',
      hint: '`pnpm cli train` starts one.',
    })
  }
  const near = runs.filter(run => isNear(reference, basename(run.folder)))
  return new LockstepError('run-not-found', `there is no run ${quote(reference)} in ${runsFolder}`, {
    kind: 'usage',
    expected: `a run such as ${listNames(near.length > 0 ? near : runs)}, or latest`,
    hint: '`pnpm cli runs` lists them all.',
  })
}

function ambiguous(reference: string, matches: readonly RunHeader[]): LockstepError {
  return new LockstepError('run-ambiguous', `${quote(reference)} could be any of ${matches.length} runs`, {
    kind: 'usage',
    expected: `one of ${listNames(matches)}`,
    hint: 'Write more of the name.',
  })
}

function quote(text: string): string {
  return `"${text}"`
}

/** Lists names of runs, the newest first. */
function listNames(runs: readonly RunHeader[]): string {
  const names = runs.map(run => basename(run.folder)).reverse()
  const more = names.length - shownSuggestions
  return names.slice(0, shownSuggestions).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function isNear(reference: string, name: string): boolean {
  const wanted = reference.toLowerCase()
  const words = wanted.split(/[^a-z0-9]+/).filter(word => word.length > 2)
  return name.toLowerCase().includes(wanted) || words.some(word => name.toLowerCase().includes(word))
}
