import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { hasSystemCode, LockstepError, type ProgressListener } from '@lockstep/protocol'
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici'

const connectTimeoutMs = 5_000
/** A server that sends nothing for so long is given up. */
const silenceTimeoutMs = 30_000
const attempts = 3
const mostRedirects = 5

export type Download = {
  readonly url: string
  /** The file to be written. It is there whole or not at all; what has come so far lies beside it as `.partial`. */
  readonly file: string
  readonly label: string
  readonly onProgress: ProgressListener
}

/**
 * Downloads a file, going on where an earlier attempt stopped if the server supports ranges (RFC 9110, section 14).
 * Honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Throws `download-failed` or `disk-full`; what has come is kept.
 */
export async function download(wanted: Download): Promise<void> {
  const agent = new EnvHttpProxyAgent({
    connect: { timeout: connectTimeoutMs },
    headersTimeout: silenceTimeoutMs,
    bodyTimeout: silenceTimeoutMs,
  })
  try {
    await attemptRepeatedly(wanted, agent)
    await rename(partialOf(wanted), wanted.file)
  } finally {
    await agent.close()
  }
}

async function attemptRepeatedly(wanted: Download, agent: Dispatcher): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const before = await sizeOf(partialOf(wanted))
    try {
      return await transfer(wanted, before, agent)
    } catch (error) {
      const progressed = (await sizeOf(partialOf(wanted))) > before
      if (attempt < attempts && progressed && !(error instanceof LockstepError)) continue
      throw failure(wanted, error)
    }
  }
}

async function transfer(wanted: Download, have: number, agent: Dispatcher): Promise<void> {
  const { response, url } = await open(wanted.url, have, agent)
  const { statusCode, headers, body } = response
  const complete = statusCode === 416 && have > 0
  if (complete) return void (await body.dump())
  if (statusCode !== 200 && statusCode !== 206) {
    await body.dump()
    throw new LockstepError('download-failed', `${url} answers with status ${statusCode}`)
  }
  const resumed = statusCode === 206
  const start = resumed ? have : 0
  const length = Number(headers['content-length'])
  const total = Number.isFinite(length) ? start + length : undefined
  const sink = createWriteStream(partialOf(wanted), { flags: resumed ? 'a' : 'w' })
  await pipeline(body, reportProgress(wanted, start, total), sink)
}

async function open(url: string, have: number, agent: Dispatcher, redirects = 0) {
  const headers = have > 0 ? { range: `bytes=${have}-` } : {}
  const response = await request(url, { dispatcher: agent, headers })
  const location = response.headers.location
  if (response.statusCode < 300 || response.statusCode > 399 || typeof location !== 'string') return { response, url }
  await response.body.dump()
  if (redirects >= mostRedirects) throw new LockstepError('download-failed', `${url} redirects too often`)
  return open(new URL(location, url).href, have, agent, redirects + 1)
}

function reportProgress({ label, onProgress }: Download, start: number, total: number | undefined): Transform {
  let done = start
  return new Transform({
    transform(chunk: Buffer, _, next) {
      done += chunk.length
      onProgress({ label, done, unit: 'bytes', ...(total === undefined ? {} : { total }) })
      next(null, chunk)
    },
  })
}

function partialOf({ file }: Download): string {
  return `${file}.partial`
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return 0
    throw error
  }
}

function failure({ url, file }: Download, cause: unknown): LockstepError {
  if (cause instanceof LockstepError) return cause
  if (hasSystemCode(cause, 'ENOSPC', 'EDQUOT')) {
    const hint = 'Free some space and fetch again: it goes on where it stopped.'
    return new LockstepError('disk-full', `the disk is full: ${file} was not written`, { hint, cause })
  }
  const received = cause instanceof Error ? cause.message || String(cause.cause ?? cause.name) : String(cause)
  return new LockstepError('download-failed', `${url} cannot be fetched`, { received, cause })
}

/** Drops what has come of a download that proved to be wrong. */
export async function discardDownload(file: string): Promise<void> {
  await rm(file, { force: true })
  await rm(`${file}.partial`, { force: true })
}
