import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError, type ProgressListener } from '@lockstep/protocol'
import { sha256OfFile } from './cache-entry.ts'
import { diskFullError } from './disk-space.ts'
import { explainPipFailure, findPip, type PipCommand, pipEnvironment } from './pip.ts'
import { runTool } from './run-tool.ts'
import { pipDownloadArguments, type WheelSource } from './wheel-source.ts'

const progressIntervalMs = 200
const temporaryName = 'temporary'

export type FetchOptions = {
  readonly environment: NodeJS.ProcessEnv
  readonly onProgress: ProgressListener
}

/**
 * Downloads the wheel into an empty folder with pip, checks its SHA-256 and returns its path.
 * Throws LockstepError `tensorflow-no-pip`, `tensorflow-download-failed` or `tensorflow-checksum`.
 */
export async function fetchWheel(source: WheelSource, folder: string, options: FetchOptions): Promise<string> {
  const pip = await findPip(options.environment)
  await mkdir(join(folder, temporaryName))
  await download(source, folder, pip, options)
  return await requireIntact(source, join(folder, source.fileName))
}

/** The first of the folders in which a killed installer has left the complete wheel. */
export async function findFetchedWheel(source: WheelSource, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, source.fileName)
    if ((await bytesOf(path)) === source.bytes && (await sha256OfFile(path)) === source.sha256) return folder
  }
  return undefined
}

async function download(source: WheelSource, folder: string, pip: PipCommand, options: FetchOptions): Promise<void> {
  const label = `downloading TensorFlow ${source.version}`
  const report = (bytes: number) =>
    options.onProgress({ label, done: Math.min(bytes, source.bytes), total: source.bytes, unit: 'bytes' })
  report(0)
  let downloading = true
  const look = async () => {
    const bytes = await largestFileBytes(folder)
    if (downloading) report(bytes)
  }
  const watch = setInterval(() => void look(), progressIntervalMs)
  const args = [...pip.args, ...pipDownloadArguments(source, folder)]
  const result = await runTool(pip.command, args, {
    environment: pipEnvironment(options.environment, join(folder, temporaryName)),
  })
  downloading = false
  clearInterval(watch)
  if (result.failure === undefined) return report(source.bytes)
  const received = explainPipFailure(result.output) || result.failure
  if (/no space left/i.test(received)) throw diskFullError(folder, 'room to download the wheel', received)
  throw new LockstepError('tensorflow-download-failed', `${pip.name} could not download ${source.requirement}`, {
    received,
    hint: 'Check the network; pip takes a proxy, certificates or another index from its own configuration (`pip config list`).',
  })
}

/** The progress of the download: pip writes the wheel under its temporary folder and copies it once it is complete. */
async function largestFileBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const sizes = await Promise.all(names.map(name => bytesOf(join(folder, name))))
  return Math.max(0, ...sizes)
}

async function bytesOf(path: string): Promise<number> {
  return await stat(path).then(
    found => (found.isFile() ? found.size : 0),
    () => 0,
  )
}

async function requireIntact(source: WheelSource, path: string): Promise<string> {
  const received = await sha256OfFile(path).catch(() => 'no such file')
  if (received === source.sha256) return path
  throw new LockstepError('tensorflow-checksum', `${source.fileName} is not the file that was published`, {
    expected: `SHA-256 ${source.sha256}, ${source.bytes} bytes`,
    received: `SHA-256 ${received}`,
    hint: 'The package index or a proxy handed out another file. Check `pip config list`, then start again.',
  })
}
