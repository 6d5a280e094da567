import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { openDataSet, renderSampleSheet } from '@lockstep/data'
import { type DataSetName, LockstepError } from '@lockstep/protocol'
import { describeDataSet, titleOf } from './describe-data-set.ts'
import type { DataStreams } from './streams.ts'

export type ShowRequest = {
  readonly dataset: DataSetName | undefined
  readonly dataDir: string | undefined
  readonly sheet: string | undefined
}

/**
 * Describes a data set that is on this machine, and draws its samples if a file for them is named.
 * Throws `sheet-unwritable`, and as `openDataSet` does.
 */
export async function showDataSet(request: ShowRequest, { stdout, stderr }: DataStreams): Promise<void> {
  const dataSet = await openDataSet({
    ...(request.dataset === undefined ? {} : { dataset: request.dataset }),
    ...(request.dataDir === undefined ? {} : { dataDir: request.dataDir }),
    environment: process.env,
    offline: true,
    onProgress: () => undefined,
    onNotice: text => stderr.write(`${text}\n`),
  })
  stdout.write(`${describeDataSet(dataSet).join('\n')}\n`)
  if (request.sheet === undefined) return
  await writeSheet(request.sheet, await renderSampleSheet(dataSet, titleOf(dataSet)))
  stdout.write(`\n${request.sheet}\n`)
}

async function writeSheet(file: string, png: Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, png)
  } catch (cause) {
    throw new LockstepError('sheet-unwritable', `${file} cannot be written`, {
      received: cause instanceof Error ? cause.message : String(cause),
      hint: 'Name another file: --sheet FILE.png.',
      cause,
    })
  }
}
