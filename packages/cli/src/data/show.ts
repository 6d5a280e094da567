import { writeFile } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import { type DataSet, openDataSet, renderSampleSheet } from '@lockstep/data'
import { type DataSetName, LockstepError, makeFolder, reasonOf } from '@lockstep/protocol'
import type { ProgressStreams } from '../commands/streams.ts'
import { augmentSamples } from './augment-samples.ts'
import { describeDataSet, titleOf } from './describe-data-set.ts'

export type ShowRequest = {
  readonly dataset: DataSetName | undefined
  readonly dataDir: string | undefined
  readonly sheet: string | undefined
  /** Draws augmented images instead of samples. */
  readonly augment: boolean
}

/** A sheet with few classes has this many images of each class in a row; one with more classes has fewer. */
const imagesInRow = 14
const seedOfVariants = 1

/**
 * Describes a data set on this machine, and draws its samples if the request names a file for them.
 * Throws `sheet-unnamed`, `sheet-format`, `sheet-unwritable`, and as `openDataSet` does.
 */
export async function showDataSet(request: ShowRequest, { stdout, stderr }: ProgressStreams): Promise<void> {
  if (request.augment && request.sheet === undefined) {
    throw new LockstepError('sheet-unnamed', '--augment says what to draw, but not into which file', {
      kind: 'usage',
      hint: 'Add --sheet FILE.png.',
    })
  }
  if (request.sheet !== undefined) refuseOtherFormat(request.sheet)
  const dataSet = await openDataSet({
    dataset: request.dataset,
    dataDir: request.dataDir,
    environment: process.env,
    offline: false,
    looksOnly: true,
    onProgress: () => undefined,
    onNotice: text => stderr.write(`${text}\n`),
  })
  stdout.write(`${describeDataSet(dataSet).join('\n')}\n`)
  if (request.sheet === undefined) return
  await writeSheet(request.sheet, await drawSheet(dataSet, request.augment))
  stdout.write(`\n${request.sheet}\n`)
}

function refuseOtherFormat(file: string): void {
  if (extname(file).toLowerCase() === '.png') return
  throw new LockstepError('sheet-format', '--sheet: samples are drawn as PNG', {
    kind: 'usage',
    expected: 'a name that ends in .png',
    received: file,
  })
}

async function drawSheet(dataSet: DataSet, augment: boolean): Promise<Uint8Array> {
  if (!augment) return renderSampleSheet(dataSet, titleOf(dataSet))
  const augmented = await augmentSamples(dataSet, imagesInRow - 1, seedOfVariants)
  return renderSampleSheet(augmented, 'The first image of each class, and what --augment makes of it')
}

async function writeSheet(file: string, png: Uint8Array): Promise<void> {
  try {
    makeFolder(dirname(file))
    await writeFile(file, png)
  } catch (cause) {
    throw new LockstepError('sheet-unwritable', `${file} cannot be written`, {
      received: reasonOf(cause),
      hint: 'Name another file: --sheet FILE.png.',
      cause,
    })
  }
}
