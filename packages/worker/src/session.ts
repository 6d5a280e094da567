import { hostname } from 'node:os'
import {
  type Cancel,
  describeError,
  LockstepError,
  type MessageOf,
  maxShortText,
  protocolVersion,
  type Received,
  type Trust,
} from '@lockstep/protocol'
import type { Compute } from './compute.ts'
import { type DirectExchange, groupMessages } from './direct/direct-exchange.ts'
import { openDirectExchange } from './direct/open-direct-exchange.ts'
import type { PeerListen } from './direct/peer-listener.ts'
import { createKeepalive } from './keepalive.ts'
import { replicaMessages } from './replica.ts'
import { isUncomputable } from './uncomputable.ts'
import { systemWorld, type WorkerWorld } from './world.ts'

export type SessionOptions = {
  readonly url: string
  readonly trust: Trust | undefined
  readonly token: string
  readonly name: string
  readonly cores: number
  readonly device: string
  /** How long the coordinator may take for the handshake, and then for its welcome. */
  readonly answerTimeoutMs: number
  /** The computing thread for the coordinator's run. */
  readonly prepare: (welcome: MessageOf<'welcome'>) => Promise<Compute>
  /** Why this worker refuses to work for a coordinator that welcomes it, or null. */
  readonly refuseWelcome: (welcome: MessageOf<'welcome'>) => string | null
  /** The computing thread hangs, and the next session needs another one. */
  readonly onHang: () => void
  readonly onWelcome: (welcome: MessageOf<'welcome'>) => void
  readonly onReady: (backend: string) => void
  /** Where to listen for other workers; by default at the local address of the connection to the coordinator. */
  readonly peerListen?: PeerListen | undefined
  /** Ends the session with a `bye`. */
  readonly signal: AbortSignal
  readonly world?: Omit<WorkerWorld, 'random' | 'startCompute'>
}

/** How a session ended: with the coordinator's `bye`, with ours, or without any. */
export type SessionEnd =
  | { readonly type: 'bye'; readonly bye: MessageOf<'bye'>; readonly welcomed: boolean }
  | { readonly type: 'left' }
  | { readonly type: 'lost'; readonly reason: string; readonly welcomed: boolean }

/**
 * A computing thread that is busy with work of an earlier connection serves this one when that work is done. One that
 * takes longer than this hangs.
 */
const takeOverTimeoutMs = 120_000

/** Messages that the session passes on. */
const forReplica: ReadonlySet<string> = new Set([...replicaMessages, ...groupMessages])

type Session = {
  /** `joining` begins with the welcome, `leaving` with our own `bye`. */
  phase: 'greeting' | 'joining' | 'leaving' | 'over'
  welcomed: boolean
  bye: MessageOf<'bye'> | null
  /** Why this end terminated the connection. */
  fault: string | null
  failure: Error | null
  compute: Compute | null
  /** Null where the run uses the coordinator only. */
  direct: DirectExchange | null
  /** The address of this end of the connection. */
  localAddress: string
  /** Stops listening for a failure of the computing thread, which outlives this session. */
  stopHearing: Cancel
  /** Stops waiting for the welcome, or sending heartbeats. */
  stopClock: Cancel
  /** Stops waiting for the computing thread. */
  stopWaiting: Cancel
}

/** Runs one connection to a coordinator, from the handshake to its end. Rejects when the computation fails. */
export function runSession(options: SessionOptions): Promise<SessionEnd> {
  return new Promise((resolve, reject) => {
    const { world = systemWorld } = options
    const { clock, dial } = world
    const session = newSession()
    const keepalive = createKeepalive(clock)
    const { url, trust, answerTimeoutMs } = options
    const connection = dial({ url, trust, timeoutMs: answerTimeoutMs }, { onOpen: greet, onMessage, onClose })
    options.signal.addEventListener('abort', depart)
    if (options.signal.aborted) depart()

    function greet(localAddress: string): void {
      session.localAddress = localAddress
      const tooLate = () => cutOff(`no welcome within ${answerTimeoutMs / 1000} s`)
      session.stopClock = clock.after(answerTimeoutMs, tooLate)
      connection.send(helloFrom(options))
    }

    function onMessage(received: Received): void {
      const { message } = received
      keepalive.heard()
      if (session.phase === 'leaving' || session.fault !== null) return
      if (message.type === 'welcome' && !session.welcomed) enter(message)
      else if (message.type === 'bye') session.bye = message
      else if (message.type === 'heartbeat') keepalive.echo(message)
      else if (forReplica.has(message.type)) takeForReplica(session, received)
    }

    function enter(welcome: MessageOf<'welcome'>): void {
      session.fault = options.refuseWelcome(welcome)
      if (session.fault === null) join(welcome).catch(fail)
      else connection.close({ type: 'bye', code: 'superseded', reason: session.fault })
    }

    async function join(welcome: MessageOf<'welcome'>): Promise<void> {
      session.phase = 'joining'
      session.welcomed = true
      connection.setSizes(welcome.sizes)
      options.onWelcome(welcome)
      session.stopClock()
      session.stopClock = clock.every(welcome.heartbeatMs, () => sendHeartbeat(welcome))
      const compute = await options.prepare(welcome)
      if (!isJoining()) return
      session.stopHearing = hearFailure(compute, fail)
      const sharesMemory = await begin(compute, welcome)
      const peer = welcome.direct === true ? await openDirect(compute, welcome) : undefined
      if (!isJoining()) return session.direct?.close()
      session.compute = compute
      const { layoutHash } = compute
      const backend = compute.backend.slice(0, maxShortText)
      connection.send({ type: 'ready', runId: welcome.runId, layoutHash, backend, sharesMemory, ...(peer && { peer }) })
      options.onReady(backend)
    }

    /** Assigns the thread to this connection. Resolves with whether it shares memory with the coordinator. */
    async function begin(compute: Compute, welcome: MessageOf<'welcome'>): Promise<boolean> {
      session.stopWaiting = clock.after(takeOverTimeoutMs, () => {
        options.onHang()
        cutOff(`the computing thread has not finished its earlier work for ${takeOverTimeoutMs / 1000} s`)
      })
      const sharesMemory = await compute.beginSession(welcome, answer => {
        if (session.direct?.answer(answer) !== true) connection.send(answer.message, answer.tensors)
      })
      session.stopWaiting()
      return sharesMemory
    }

    async function openDirect(compute: Compute, welcome: MessageOf<'welcome'>): Promise<MessageOf<'ready'>['peer']> {
      const { exchange, peer } = await openDirectExchange({
        welcome,
        world,
        peerListen: options.peerListen,
        localAddress: session.localAddress,
        send: connection.send,
        give: compute.give,
        reached: () => compute.progress().step,
      })
      session.direct = exchange
      return peer
    }

    function sendHeartbeat(welcome: MessageOf<'welcome'>): void {
      const fault = keepalive.sendHeartbeat(connection, welcome, session.compute?.progress() ?? null)
      if (fault !== null) cutOff(fault)
    }

    function isJoining(): boolean {
      return session.phase === 'joining'
    }

    function cutOff(fault: string): void {
      session.fault = fault
      connection.terminate()
    }

    function depart(): void {
      session.phase = 'leaving'
      connection.close({ type: 'bye', code: 'leaving', reason: 'the worker leaves' })
    }

    /** Tells the coordinator why. The session ends once that is sent. */
    function fail(error: Error): void {
      if (session.phase === 'leaving' || session.phase === 'over') return
      session.phase = 'leaving'
      session.failure = error
      const code = isUncomputable(error) ? 'uncomputable' : 'failed'
      connection.close({ type: 'bye', code, reason: inOneLine(error) })
    }

    function onClose(error: LockstepError | null): void {
      const { phase, welcomed, bye, fault, failure } = session
      session.phase = 'over'
      session.direct?.close()
      session.stopHearing()
      session.stopClock()
      session.stopWaiting()
      options.signal.removeEventListener('abort', depart)
      if (bye?.code === 'hung') options.onHang()
      if (failure !== null) reject(failure)
      else if (phase === 'leaving') resolve({ type: 'left' })
      else if (bye !== null) resolve({ type: 'bye', bye, welcomed })
      else resolve({ type: 'lost', reason: fault ?? describeLoss(error), welcomed })
    }
  })
}

function newSession(): Session {
  return {
    phase: 'greeting',
    welcomed: false,
    bye: null,
    fault: null,
    failure: null,
    compute: null,
    direct: null,
    localAddress: '',
    stopHearing: () => undefined,
    stopClock: () => undefined,
    stopWaiting: () => undefined,
  }
}

/** The thread's promise lives as long as the thread. It only retains this record, not the session. */
function hearFailure({ failed }: Pick<Compute, 'failed'>, listener: (error: Error) => void): Cancel {
  const attached: { listener: ((error: Error) => void) | null } = { listener }
  failed.catch(error => attached.listener?.(error))
  return () => {
    attached.listener = null
  }
}

function takeForReplica({ direct, compute }: Session, received: Received): void {
  if (direct !== null) direct.receive(received)
  else compute?.give(received)
}

function helloFrom({ token, name, cores, device }: SessionOptions): MessageOf<'hello'> {
  const limit = (text: string) => text.slice(0, maxShortText)
  const facts = { name: limit(name), host: limit(hostname()), device: limit(device), cores }
  return { type: 'hello', protocol: protocolVersion, token, ...facts }
}

/** Includes the hint, which may be for the user who started the coordinator. */
function inOneLine(error: Error): string {
  return error instanceof LockstepError ? describeError(error).replace(/\n */g, '. ').replace(/\.$/, '') : error.message
}

function describeLoss(error: LockstepError | null): string {
  return error === null ? 'the coordinator closed the connection' : error.message
}
