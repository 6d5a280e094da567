import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export type FileServer = {
  /** `http://127.0.0.1:PORT` */
  readonly address: string
  /** The Range header of every request so far; `all` if there was none. */
  readonly ranges: readonly string[]
}

/** Answers a request; `attempt` counts from 1. */
export type Answer = (request: IncomingMessage, response: ServerResponse, attempt: number) => void

/** Starts a server on loopback that is closed when the test ends. */
export async function serve(answer: Answer): Promise<FileServer> {
  const ranges: string[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range ?? 'all')
    answer(request, response, ranges.length)
  })
  return { address: await listen(server), ranges }
}

/** Listens on a free port of loopback and closes the server when the test ends. Returns the address. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Starts a server that supports ranges, as real mirrors do. */
export function serveFile(content: Uint8Array): Promise<FileServer> {
  return serve((request, response) => sendRange(request, response, content))
}

/** The start of the requested range; 0 without one. */
export function rangeStart(request: IncomingMessage): number {
  return Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
}

export function sendRange(request: IncomingMessage, response: ServerResponse, content: Uint8Array): void {
  const start = rangeStart(request)
  if (request.headers.range === undefined) return void response.end(content)
  if (start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end()
    return
  }
  const headers = {
    'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
    'content-length': content.length - start,
  }
  response.writeHead(206, headers).end(content.subarray(start))
}

/** Announces the rest of the file from `start` on, but sends only its first `bytes`. */
export function sendPart(response: ServerResponse, content: Uint8Array, start: number, bytes: number): void {
  const length = { 'content-length': content.length - start }
  const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }
  response.writeHead(start > 0 ? 206 : 200, start > 0 ? { ...length, ...range } : length)
  response.write(content.subarray(start, start + bytes))
}
