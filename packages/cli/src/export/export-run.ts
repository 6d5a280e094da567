import { join } from 'node:path'
import { formatBytes } from '@lockstep/protocol'
import type { ProgressStreams } from '../commands/streams.ts'
import { loadTrainedModel } from '../evaluate/load-model.ts'
import type { WeightsName } from '../flags/common-flags.ts'
import { findRun } from '../runs/find-run.ts'
import { readRunFacts } from '../runs/run-facts.ts'
import type { ExportFormat } from './format-names.ts'
import { formats } from './formats.ts'
import { refuseTaken, writeFiles } from './write-files.ts'

export type ExportOptions = {
  readonly reference: string
  readonly runsFolder: string
  readonly weights: WeightsName
  readonly format: ExportFormat
  /** The destination; null for the folder `export` of the run. */
  readonly out: string | null
  readonly force: boolean
  readonly offline: boolean
}

/** Writes a run's model in another format and prints the names of the files. */
export async function exportRun(options: ExportOptions, { stdout, stderr }: ProgressStreams): Promise<void> {
  const { defaultName, paths: pathsIn, prepare, encode } = formats[options.format]
  const folder = await findRun(options.reference, options.runsFolder)
  const paths = pathsIn(options.out ?? join(folder, 'export', defaultName))
  await refuseTaken(paths, options.force)
  const facts = await readRunFacts(folder)
  await prepare(options.offline, stderr)
  const loaded = await loadTrainedModel(folder, options.weights)
  stderr.write(`from ${loaded.origin}\n`)
  const contents = encode({ ...loaded, facts })
  await writeFiles(paths, contents)
  for (const [index, path] of paths.entries()) {
    stdout.write(`${path} (${formatBytes(Buffer.byteLength(contents[index]!))})\n`)
  }
}
