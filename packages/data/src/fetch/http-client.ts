import type { Readable } from 'node:stream'

export type Timeouts = {
  readonly connectMs: number
  /** Longest wait for the response headers. */
  readonly headersMs: number
  /** Longest pause between two chunks of a body. */
  readonly silenceMs: number
}

const defaultTimeouts: Timeouts = { connectMs: 5_000, headersMs: 15_000, silenceMs: 30_000 }
const maxRedirections = 5

export type HttpResponse = {
  readonly status: number
  readonly body: Readable
  /** Discards the body. */
  readonly discard: () => Promise<void>
  /** Content-Length. */
  readonly bodyBytes: number | undefined
  /** The body's position in the file, from Content-Range. */
  readonly rangeStart: number | undefined
  /** Size of the whole file, from Content-Range. */
  readonly fileBytes: number | undefined
}

export type HttpClient = {
  /** Requests the file from byte `offset` on; the server may send all of it. Rejects if the server is unreachable. */
  readonly get: (url: string, offset: number, signal: AbortSignal) => Promise<HttpResponse>
  readonly close: () => Promise<void>
}

/** Opens an HTTP client with short timeouts. It follows redirections and the proxy settings of the environment. */
export async function openHttpClient(environment: NodeJS.ProcessEnv, timeouts = defaultTimeouts): Promise<HttpClient> {
  const { EnvHttpProxyAgent, interceptors, request } = await import('undici')
  const httpProxy = environment.http_proxy ?? environment.HTTP_PROXY
  const httpsProxy = environment.https_proxy ?? environment.HTTPS_PROXY
  const agent = new EnvHttpProxyAgent({
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy: environment.no_proxy ?? environment.NO_PROXY ?? '',
    connect: { timeout: timeouts.connectMs },
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.silenceMs,
  })
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections }))

  async function get(url: string, offset: number, signal: AbortSignal): Promise<HttpResponse> {
    const headers = offset > 0 ? { range: `bytes=${offset}-` } : {}
    const response = await request(url, { dispatcher, headers, signal })
    const [, start, size] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(String(response.headers['content-range'])) ?? []
    return {
      status: response.statusCode,
      body: response.body,
      discard: () => response.body.dump(),
      bodyBytes: toCount(response.headers['content-length']),
      rangeStart: toCount(start),
      fileBytes: toCount(size),
    }
  }

  return { get, close: () => agent.destroy() }
}

function toCount(text: unknown): number | undefined {
  return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : undefined
}
