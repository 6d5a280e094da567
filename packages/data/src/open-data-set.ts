import { type DataSetName, describeError, LockstepError, type ProgressListener, shellWord } from '@lockstep/protocol'
import { type CifarFormat, cifar10, cifarFormats } from './cifar/format.ts'
import { dataCacheFolder, dataPlaces, findCifarFolder, isThere } from './cifar/locate.ts'
import { readCifar } from './cifar/read.ts'
import type { DataSet } from './data-set.ts'
import { fetchCifar } from './fetch/fetch-cifar.ts'
import { createShapes } from './synthetic/synthetic-set.ts'

export type OpenOptions = {
  /** By default CIFAR-10 if it is available, else the embedded synthetic set. */
  readonly dataset?: DataSetName
  readonly dataDir?: string
  readonly environment: NodeJS.ProcessEnv
  /** Forbids the network. */
  readonly offline: boolean
  /** Looks only on this machine, even though the network is allowed. */
  readonly looksOnly?: boolean
  readonly onProgress: ProgressListener
  readonly onNotice: (text: string) => void
}

/**
 * Opens a data set. It looks only in `dataDir` if given, else in `LOCKSTEP_DATA_DIR` and the user's cache, and
 * otherwise downloads the data set from its official address into that cache.
 * Throws `data-not-found` if a requested data set is not available anywhere, and `data-missing`, `data-damaged` or
 * `data-unreadable` if its folder exists but is incomplete, whether it was requested or not.
 */
export async function openDataSet(options: OpenOptions): Promise<DataSet> {
  const { dataset } = options
  if (dataset === 'synthetic') return createShapes()
  if (dataset !== undefined) return openCifar(cifarFormats[dataset], options)
  try {
    return await openCifar(cifar10, options)
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'data-not-found') throw error
    options.onNotice(syntheticNotice(error))
    return createShapes()
  }
}

async function openCifar(format: CifarFormat, options: OpenOptions): Promise<DataSet> {
  const { dataDir, environment, offline, looksOnly = false } = options
  const places = dataPlaces(dataDir, environment)
  for (const place of places) {
    const folder = await findCifarFolder(place, format)
    if (folder !== null) return readCifar(folder, format)
  }
  if (dataDir !== undefined) throw await nothingThere(format, dataDir)
  const looked = `not in ${await describePlaces(places, environment)}`
  if (looksOnly) throw notFound(format, looked, `${fetchCommand(format)} gets it`)
  if (offline) throw notFound(format, `${looked}; the network is not to be used`, byHand(format))
  return fetchOrExplain(format, options, looked)
}

async function fetchOrExplain(format: CifarFormat, options: OpenOptions, looked: string): Promise<DataSet> {
  try {
    return await fetchCifar({ ...options, format, folder: dataCacheFolder(options.environment) })
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    const { message, received } = error
    throw notFound(format, `${looked}; ${message}${received === undefined ? '' : ` (${received})`}`, tryAgain(format))
  }
}

/** Marks a missing LOCKSTEP_DATA_DIR, which may be misspelt. A missing cache is normal before the first data set. */
async function describePlaces(places: readonly string[], { LOCKSTEP_DATA_DIR }: NodeJS.ProcessEnv): Promise<string> {
  const isMissing = LOCKSTEP_DATA_DIR ? !(await isThere(LOCKSTEP_DATA_DIR)) : false
  const name = (place: string) => (isMissing && place === LOCKSTEP_DATA_DIR ? `${place} (which does not exist)` : place)
  return places.map(name).join(' or ')
}

async function nothingThere(format: CifarFormat, dataDir: string): Promise<LockstepError> {
  const others = Object.values(cifarFormats).filter(each => each !== format)
  const present = await Promise.all(others.map(each => findCifarFolder(dataDir, each)))
  const other = others.find((_, index) => present[index] !== null)
  const hint =
    other === undefined
      ? `${fetchCommand(format, `--data-dir ${shellWord(dataDir)}`)} puts it there.`
      : `It holds ${other.title}: use --dataset ${other.name}.`
  const message = (await isThere(dataDir)) ? `${dataDir} does not hold ${format.title}` : `${dataDir} does not exist`
  return new LockstepError('data-missing', message, {
    expected: `a folder ${format.folder} with the binary files`,
    hint,
  })
}

function fetchCommand({ name }: CifarFormat, ...flags: readonly string[]): string {
  return `\`${['pnpm cli data fetch --dataset', name, ...flags].join(' ')}\``
}

function byHand(format: CifarFormat): string {
  return `Get ${format.archive} and run ${fetchCommand(format, '--from FILE')}`
}

function tryAgain(format: CifarFormat): string {
  return `${fetchCommand(format)} tries again; or get ${format.archive} another way and add --from FILE`
}

/** `remedy` is the beginning of the hint's sentence. */
function notFound(format: CifarFormat, received: string, remedy: string): LockstepError {
  return new LockstepError('data-not-found', `${format.title} is not available`, {
    expected: `a folder ${format.folder} with the binary files`,
    received,
    hint: `${remedy}, or name the folder of the unpacked files by --data-dir or LOCKSTEP_DATA_DIR.`,
  })
}

function syntheticNotice(error: LockstepError): string {
  const rule = '─'.repeat(80)
  return [
    rule,
    describeError(error),
    'Continuing with the embedded SYNTHETIC data set instead: accuracies on it say nothing about CIFAR-10.',
    rule,
  ].join('\n')
}
