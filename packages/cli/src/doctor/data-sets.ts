import { type CifarFormat, cifarFormats, dataPlaces, findCifarFolder, readCifar } from '@lockstep/data'
import { describeError, LockstepError } from '@lockstep/protocol'
import type { Finding } from '@lockstep/tensorflow'
import { formatCount } from '../terminal/format.ts'

/** Checks the data sets where `train` would look for them: the size of every file, and every label. */
export async function inspectDataSets(environment: NodeJS.ProcessEnv): Promise<readonly Finding[]> {
  const places = dataPlaces(undefined, environment)
  const found = await Promise.all(Object.values(cifarFormats).map(format => inspectCifar(format, places)))
  return [...found, { subject: 'Data set synthetic', state: 'ok', value: 'embedded' }]
}

async function inspectCifar(format: CifarFormat, places: readonly string[]): Promise<Finding> {
  const subject = `Data set ${format.name}`
  for (const place of places) {
    const folder = await findCifarFolder(place, format)
    if (folder !== null) return await inspectFolder(subject, folder, format)
  }
  return {
    subject,
    state: 'missing',
    value: `not in ${places.join(' or ')}`,
    remedy: `\`pnpm cli data fetch --dataset ${format.name}\` downloads it, or set LOCKSTEP_DATA_DIR.`,
  }
}

async function inspectFolder(subject: string, folder: string, format: CifarFormat): Promise<Finding> {
  try {
    const { train, test } = await readCifar(folder, format)
    const [trainSamples, testSamples] = [train.labels.length, test.labels.length]
    const value = `${folder}: ${formatCount(trainSamples)} training and ${formatCount(testSamples)} test images`
    return { subject, state: 'ok', value, facts: { folder, trainSamples, testSamples } }
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    const remedy = `Remove ${folder} and get it again: \`pnpm cli data fetch --dataset ${format.name}\``
    return { subject, state: 'warning', value: describeError(error), remedy, facts: { folder } }
  }
}
