import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { stat, truncate } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { hasSystemCode, interrupted, LockstepError, type ProgressListener } from '@lockstep/protocol'
import { countBytes } from './count-bytes.ts'
import { type HttpClient, type HttpResponse, openHttpClient } from './http-client.ts'

export type Download = {
  readonly url: string
  /** The file to write. Existing content counts as the beginning of the download. */
  readonly file: string
  /** What is being downloaded, for the progress bar. */
  readonly label: string
  readonly environment: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly onProgress: ProgressListener
  /** Pause before an interrupted download is resumed. Default: 1 s. */
  readonly retryMs?: number
}

/** How an attempt failed. `notBeginning`: the existing content is not the beginning of the file and is discarded. */
type Setback =
  | { readonly kind: 'unreachable' | 'broken' | 'refused'; readonly reason: string }
  | { readonly kind: 'notBeginning' }

/** The download fails after this many consecutive attempts without new bytes. */
const fruitlessAttempts = 3

/**
 * Downloads a file over HTTP(S). It continues where an earlier attempt stopped (RFC 9110, section 14: range requests),
 * or starts over if the server does not support that. If the connection breaks, it retries as long as new bytes arrive.
 * Throws `download-failed` or `disk-full`, and keeps the bytes received so far.
 */
export async function download(options: Download): Promise<void> {
  const client = await openHttpClient(options.environment)
  try {
    let fruitless = 0
    for (let reached = false; ; reached = true) {
      const before = await sizeOf(options.file)
      const setback = await attempt(client, options, before)
      if (setback === null) return
      if (setback.kind === 'notBeginning') {
        await truncate(options.file)
        continue
      }
      fruitless = (await sizeOf(options.file)) > before ? 0 : fruitless + 1
      const mayGoOn = setback.kind === 'broken' || (setback.kind === 'unreachable' && reached)
      if (!mayGoOn || fruitless >= fruitlessAttempts) throw downloadFailed(options.url, setback.reason)
      await interrupted(options.retryMs ?? 1000, options.signal)
    }
  } finally {
    await client.close()
  }
}

/** Requests the file from `offset` on and appends the response; null when the file is complete. */
async function attempt(client: HttpClient, options: Download, offset: number): Promise<Setback | null> {
  let response: HttpResponse
  try {
    response = await client.get(options.url, offset, options.signal)
  } catch (error) {
    options.signal.throwIfAborted()
    return { kind: 'unreachable', reason: failureOf(error) }
  }
  const { status, rangeStart, fileBytes, discard } = response
  if (status === 200) return receive(response, options, 0)
  if (status === 206 && rangeStart === offset) return receive(response, options, offset)
  await discard()
  if (status === 416 && fileBytes === offset) return null
  if (offset > 0 && (status === 416 || status === 206)) return { kind: 'notBeginning' }
  return { kind: status >= 500 || status === 429 ? 'broken' : 'refused', reason: `HTTP status ${status}` }
}

async function receive(response: HttpResponse, options: Download, start: number): Promise<Setback | null> {
  const { file, label, signal, onProgress } = options
  const total = response.bodyBytes === undefined ? {} : { total: start + response.bodyBytes }
  const report = (bytes: number) => onProgress({ label, done: start + bytes, unit: 'bytes', ...total })
  const sink = createWriteStream(file, { flags: start === 0 ? 'w' : 'a' })
  try {
    // Wait for the file before the first report: a caller that then stops finds a file to continue.
    await once(sink, 'open')
    await pipeline(response.body, countBytes(report), sink, { signal })
    return null
  } catch (error) {
    response.body.destroy()
    signal.throwIfAborted()
    if (hasSystemCode(error, 'ENOSPC', 'EDQUOT')) throw diskFull(file, error)
    return { kind: 'broken', reason: failureOf(error) }
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return 0
    throw error
  }
}

function failureOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(failureOf).join('; ')
  return error instanceof Error ? error.message || error.name : String(error)
}

function downloadFailed(url: string, received: string): LockstepError {
  const hint =
    'Try again: it goes on where it stopped, and HTTPS_PROXY and NO_PROXY are honoured. ' +
    'Or give another address or a file: --from URL|FILE.'
  return new LockstepError('download-failed', `${url} cannot be downloaded`, { received, hint })
}

function diskFull(file: string, cause: unknown): LockstepError {
  return new LockstepError('disk-full', `the disk is full: ${file} was not written`, {
    hint: 'Free 400 MB and try again, or put the data elsewhere: --data-dir DIR or LOCKSTEP_CACHE_DIR.',
    cause,
  })
}
