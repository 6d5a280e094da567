import type { Readable } from 'node:stream'

export type Timeouts = {
  readonly connectMs: number
  /** Longest wait for the answer to begin. */
  readonly headersMs: number
  /** Longest silence in the middle of a body. */
  readonly silenceMs: number
}

const defaultTimeouts: Timeouts = { connectMs: 5_000, headersMs: 15_000, silenceMs: 30_000 }
const maxRedirections = 5

export type HttpResponse = {
  readonly status: number
  readonly body: Readable
  /** Does without the body. */
  readonly discard: () => Promise<void>
  /** Content-Length. */
  readonly bodyBytes: number | undefined
  /** Where the body begins in the file, of Content-Range. */
  readonly rangeStart: number | undefined
  /** Size of the whole file, of Content-Range. */
  readonly fileBytes: number | undefined
}

export type HttpClient = {
  /** Asks for the file from byte `offset` on; the server may send all of it. Rejects when it cannot be reached. */
  readonly get: (url: string, offset: number, signal: AbortSignal) => Promise<HttpResponse>
  readonly close: () => Promise<void>
}

/** An HTTP client that gives up soon, follows redirections and honours the proxy settings of the environment. */
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
