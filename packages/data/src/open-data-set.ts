import { type DataSetName, describeError, LockstepError, type ProgressListener } from '@lockstep/protocol'
import { type CifarFormat, cifar10, cifarFormats } from './cifar/format.ts'
import { dataCacheFolder, dataPlaces, findCifarFolder } from './cifar/locate.ts'
import { readCifar } from './cifar/read.ts'
import type { DataSet } from './data-set.ts'
import { fetchCifar } from './fetch/fetch-cifar.ts'
import { createShapes } from './synthetic/synthetic-set.ts'

export type OpenOptions = {
  /** Without it: CIFAR-10 where it can be had, else the embedded synthetic set. */
  readonly dataset?: DataSetName
  readonly dataDir?: string
  readonly environment: NodeJS.ProcessEnv
  /** Forbids the network. */
  readonly offline: boolean
  readonly onProgress: ProgressListener
  readonly onNotice: (text: string) => void
}

/**
 * Opens a data set: from `dataDir` alone where it is given, else from `LOCKSTEP_DATA_DIR`, from the user's cache, or from
 * its official address into that cache. Throws `data-not-found` when a data set that was asked for is nowhere to be had,
 * and `data-missing`, `data-damaged` or `data-unreadable` when its folder is there but not whole, whether it was asked
 * for or not.
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
  const { dataDir, environment, offline } = options
  const places = dataPlaces(dataDir, environment)
  for (const place of places) {
    const folder = await findCifarFolder(place, format)
    if (folder !== null) return readCifar(folder, format)
  }
  if (dataDir !== undefined) throw await nothingThere(format, dataDir)
  const looked = `not in ${places.join(' or ')}`
  if (offline) throw notFound(format, `${looked}; the network is not to be used`)
  return fetchOrExplain(format, options, looked)
}

async function fetchOrExplain(format: CifarFormat, options: OpenOptions, looked: string): Promise<DataSet> {
  try {
    return await fetchCifar({ ...options, format, folder: dataCacheFolder(options.environment) })
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    const { message, received } = error
    throw notFound(format, `${looked}; ${message}${received === undefined ? '' : ` (${received})`}`)
  }
}

async function nothingThere(format: CifarFormat, dataDir: string): Promise<LockstepError> {
  const others = Object.values(cifarFormats).filter(each => each !== format)
  const present = await Promise.all(others.map(each => findCifarFolder(dataDir, each)))
  const other = others.find((_, index) => present[index] !== null)
  const hint =
    other === undefined
      ? `\`pnpm cli data fetch --dataset ${format.name} --data-dir ${dataDir}\` puts it there.`
      : `It holds ${other.title}: use --dataset ${other.name}.`
  return new LockstepError('data-missing', `${dataDir} does not hold ${format.title}`, {
    expected: `a folder ${format.folder} with the binary files`,
    hint,
  })
}

function notFound(format: CifarFormat, received: string): LockstepError {
  return new LockstepError('data-not-found', `${format.title} is not to be had`, {
    expected: `a folder ${format.folder} with the binary files`,
    received,
    hint:
      `Get ${format.archive} and run \`pnpm cli data fetch --dataset ${format.name} --from FILE\`, ` +
      'or name the folder of the unpacked files by --data-dir or LOCKSTEP_DATA_DIR.',
  })
}

function syntheticNotice(error: LockstepError): string {
  const rule = '─'.repeat(80)
  return [
    rule,
    describeError(error),
    'Going on with the embedded SYNTHETIC data set instead: accuracies on it say nothing about CIFAR-10.',
    rule,
  ].join('\n')
}
