import { hostname } from 'node:os'
import {
  createConnection,
  type LockstepError,
  type MessageOf,
  openWebSocket,
  protocolVersion,
  type Received,
  type Trust,
} from '@lockstep/protocol'
import type { Compute } from './compute.ts'
import { replicaMessages } from './replica.ts'

const handshakeTimeoutMs = 5_000

export type SessionOptions = {
  readonly url: string
  readonly trust: Trust | undefined
  readonly token: string
  readonly name: string
  readonly cores: number
  readonly device: string
  /** Of the model that an earlier session has built. */
  readonly layoutHash: string | null
  /** The computing thread for the run that the coordinator has. */
  readonly prepare: (welcome: MessageOf<'welcome'>) => Promise<Compute>
  readonly onWelcome: (welcome: MessageOf<'welcome'>) => void
  readonly onReady: (backend: string) => void
  /** Ends the session with a goodbye. */
  readonly signal: AbortSignal
}

/** How a session ended: with the coordinator's goodbye, by our own, or without any. */
export type SessionEnd =
  | { readonly type: 'bye'; readonly bye: MessageOf<'bye'>; readonly tookPart: boolean }
  | { readonly type: 'left' }
  | { readonly type: 'lost'; readonly reason: string; readonly tookPart: boolean }

/** One connection to a coordinator, from the handshake to its end. Rejects when the computation fails. */
export function runSession(options: SessionOptions): Promise<SessionEnd> {
  return new Promise((resolve, reject) => {
    const session = { tookPart: false, left: false, over: false, bye: null as MessageOf<'bye'> | null, fault: '' }
    const socket = openWebSocket(options.url, handshakeTimeoutMs, options.trust)
    const clock = { lastHeardAt: performance.now(), timer: undefined as NodeJS.Timeout | undefined }
    let compute: Compute | null = null
    const connection = createConnection(socket, { onMessage, onClose })
    socket.once('open', () => connection.send(helloFrom(options)))
    options.signal.addEventListener('abort', depart)
    if (options.signal.aborted) depart()

    function onMessage(received: Received): void {
      const { message } = received
      clock.lastHeardAt = performance.now()
      if (message.type === 'welcome') join(message).catch(fail)
      else if (message.type === 'bye') session.bye = message
      else if (isForReplica(message.type)) compute?.give(received)
    }

    async function join(welcome: MessageOf<'welcome'>): Promise<void> {
      connection.setSizes(welcome.sizes)
      options.onWelcome(welcome)
      clock.timer = setInterval(() => beat(welcome), welcome.heartbeatMs)
      const prepared = await options.prepare(welcome)
      if (session.over) return
      prepared.failed.catch(fail)
      prepared.beginSession(answer => connection.send(answer.message, answer.tensors))
      compute = prepared
      const { layoutHash, backend } = prepared
      connection.send({ type: 'ready', runId: welcome.runId, layoutHash, backend: backend.slice(0, 256) })
      session.tookPart = true
      options.onReady(backend)
    }

    function beat({ runId, silenceMs }: MessageOf<'welcome'>): void {
      const silentMs = performance.now() - clock.lastHeardAt
      if (silentMs > silenceMs) {
        session.fault = `the coordinator was silent for ${(silentMs / 1000).toFixed(0)} s`
        connection.terminate()
        return
      }
      const progress = compute?.progress() ?? { step: 0, pending: 0, quietMs: 0 }
      connection.send({ type: 'heartbeat', runId, ...progress })
    }

    function depart(): void {
      session.left = true
      connection.close({ type: 'bye', code: 'leaving', reason: 'the worker leaves' })
    }

    function fail(error: Error): void {
      connection.close({ type: 'bye', code: 'failed', reason: error.message.slice(0, 2048) })
      settle(() => reject(error))
    }

    function onClose(error: LockstepError | null): void {
      const { tookPart, bye } = session
      if (session.left) settle(() => resolve({ type: 'left' }))
      else if (bye !== null) settle(() => resolve({ type: 'bye', bye, tookPart }))
      else settle(() => resolve({ type: 'lost', reason: session.fault || describeLoss(error), tookPart }))
    }

    function settle(finish: () => void): void {
      session.over = true
      clearInterval(clock.timer)
      options.signal.removeEventListener('abort', depart)
      finish()
    }
  })
}

function isForReplica(type: string): boolean {
  return (replicaMessages as readonly string[]).includes(type)
}

function helloFrom({ token, name, cores, device, layoutHash }: SessionOptions): MessageOf<'hello'> {
  const limit = (text: string) => text.slice(0, 256)
  const facts = { name: limit(name), host: limit(hostname()), device: limit(device), cores }
  return { type: 'hello', protocol: protocolVersion, token, ...facts, layoutHash }
}

function describeLoss(error: LockstepError | null): string {
  return error === null ? 'the coordinator closed the connection' : error.message
}
