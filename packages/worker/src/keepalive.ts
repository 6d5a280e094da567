import type { Clock, Connection, MessageOf } from '@lockstep/protocol'
import type { ComputeProgress } from './progress.ts'

/** How worker and coordinator know that the other is alive. */
export type Keepalive = {
  /** A message from the coordinator has arrived. */
  readonly heard: () => void
  /** The message was a heartbeat. */
  readonly echo: (heartbeat: MessageOf<'heartbeat'>) => void
  /**
   * Sends a heartbeat with the progress of the computing thread, where there is one. Returns why to give up the
   * coordinator instead, or null. Called regularly.
   */
  readonly sendHeartbeat: (
    connection: Pick<Connection, 'send' | 'receivedBytes'>,
    welcome: Pick<MessageOf<'welcome'>, 'runId' | 'silenceMs'>,
    progress: ComputeProgress | null,
  ) => string | null
}

const noProgress: ComputeProgress = { step: 0, pending: 0, quietMs: 0 }

export function createKeepalive({ nowMs }: Pick<Clock, 'nowMs'>): Keepalive {
  let lastHeardAt = nowMs()
  let sentAt = nowMs()
  /** The bytes received by the last heartbeat. */
  let receivedBytes = 0
  /** The coordinator's last heartbeat: when it was sent, by the coordinator's clock, and received, by this worker's. */
  let echo: MessageOf<'heartbeat'>['echo'] = null

  /** A long message on a slow link takes time, and heartbeats wait behind it, so any new bytes are a sign of life. */
  function noticeBytes(bytes: number): void {
    if (bytes > receivedBytes) lastHeardAt = nowMs()
    receivedBytes = bytes
  }

  return {
    heard: () => {
      lastHeardAt = nowMs()
    },
    echo: ({ sentMs }) => {
      echo = { sentMs, receivedMs: nowMs() }
    },
    sendHeartbeat: (connection, { runId, silenceMs }, progress) => {
      const now = nowMs()
      noticeBytes(connection.receivedBytes())
      // A worker that was itself suspended has heard nobody: first it reads what waits in the socket.
      if (now - sentAt > silenceMs / 2) lastHeardAt = now
      sentAt = now
      const silentMs = now - lastHeardAt
      if (silentMs > silenceMs) return `the coordinator was silent for ${(silentMs / 1000).toFixed(0)} s`
      connection.send({ type: 'heartbeat', runId, ...(progress ?? noProgress), sentMs: now, echo })
      return null
    },
  }
}
