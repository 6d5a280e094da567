import { type CifarName, cifarFormats, dataCacheFolder, fetchCifar } from '@lockstep/data'
import type { ProgressStreams } from '../commands/streams.ts'
import { createProgressBar } from '../terminal/progress.ts'
import { titleOf } from './describe-data-set.ts'

export type FetchRequest = {
  readonly dataset: CifarName
  readonly from: string | undefined
  readonly dataDir: string | undefined
}

/** Fetches a data set with a progress bar and prints its location. Throws as `fetchCifar` does. */
export async function fetchData(request: FetchRequest, { stdout, stderr }: ProgressStreams): Promise<void> {
  const bar = createProgressBar(stderr)
  try {
    const dataSet = await fetchCifar({
      format: cifarFormats[request.dataset],
      from: request.from,
      folder: request.dataDir ?? dataCacheFolder(process.env),
      environment: process.env,
      onProgress: bar.update,
      onNotice: text => stderr.write(`${text}\n`),
    })
    bar.stop()
    stdout.write(`${titleOf(dataSet)}\n${dataSet.source}\n`)
  } finally {
    bar.stop()
  }
}
