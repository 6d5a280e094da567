import { type DataSetName, describeError, LockstepError, type ProgressListener } from '@lockstep/protocol'
import { type CifarFormat, cifar10, cifarFormats } from './cifar/format.ts'
import { dataCacheFolder, dataPlaces, findCifarFolder } from './cifar/locate.ts'
import { readCifar } from './cifar/read.ts'
import type { DataSet } from './data-set.ts'
import { fetchCifar } from './cifar/fetch-cifar.ts'
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
 * Opens a data set: from `dataDir`, else from `LOCKSTEP_DATA_DIR`, else from the user's cache, else from its official
 * address into that cache. Throws `data-not-found` when a data set that was asked for is nowhere to be had, `data-missing`
 * or `data-damaged` when it is broken.
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
  const { dataDir, environment } = options
  const places = dataPlaces(dataDir, environment)
  for (const place of places) {
    const folder = await findCifarFolder(place, format)
    if (folder !== null) return readCifar(folder, format)
  }
  const looked = `looked in ${places.join(' and ')}`
  if (dataDir !== undefined) throw nothingThere(format, dataDir)
  if (options.offline) throw notFound(format, `${looked}; the network is forbidden (--offline)`)
  return readCifar(await fetchOrExplain(format, options, looked), format)
}

async function fetchOrExplain(format: CifarFormat, options: OpenOptions, looked: string): Promise<string> {
  const { environment, onProgress, onNotice } = options
  try {
    return await fetchCifar({ format, from: format.url, folder: dataCacheFolder(environment), onProgress, onNotice })
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    throw notFound(format, `${looked}; ${describeError(error)}`)
  }
}

function nothingThere(format: CifarFormat, dataDir: string): LockstepError {
  return new LockstepError('data-missing', `--data-dir: ${dataDir} does not hold ${format.name}`, {
    expected: `a folder ${format.folder} with the binary files`,
    hint: `\`pnpm cli data fetch --dataset ${format.name} --data-dir ${dataDir}\` puts it there.`,
  })
}

function notFound(format: CifarFormat, received: string): LockstepError {
  return new LockstepError('data-not-found', `the data set ${format.name} is not to be had`, {
    expected: `a folder ${format.folder} with the binary files`,
    received,
    hint: `Get ${format.archive} and run \`pnpm cli data fetch --dataset ${format.name} --from FILE\`, or give --data-dir DIR.`,
  })
}

function syntheticNotice(error: LockstepError): string {
  const rule = '─'.repeat(80)
  return [
    rule,
    'CIFAR-10 is not to be had: training on the embedded SYNTHETIC data set instead.',
    `Accuracies on it say nothing about CIFAR-10. ${error.received ?? ''}`,
    error.hint ?? '',
    rule,
  ].join('\n')
}
