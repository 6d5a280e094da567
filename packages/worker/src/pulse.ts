import type { Clock, Connection, MessageOf } from '@lockstep/protocol'
import type { ComputeProgress } from './progress.ts'

/** How worker and coordinator know of each other that they live. */
export type Pulse = {
  /** A message has come from the coordinator. */
  readonly heard: () => void
  /** It was a heartbeat. */
  readonly echo: (heartbeat: MessageOf<'heartbeat'>) => void
  /**
   * Tells the coordinator how far the computing thread is, where there is one. Returns why the coordinator is to be given
   * up instead, or null. Called regularly.
   */
  readonly beat: (
    connection: Pick<Connection, 'send' | 'receivedBytes'>,
    welcome: Pick<MessageOf<'welcome'>, 'runId' | 'silenceMs'>,
    progress: ComputeProgress | null,
  ) => string | null
}

const noProgress: ComputeProgress = { step: 0, pending: 0, quietMs: 0 }

export function createPulse({ nowMs }: Pick<Clock, 'nowMs'>): Pulse {
  let lastHeardAt = nowMs()
  let beatAt = nowMs()
  /** Those that had come at the last beat. */
  let receivedBytes = 0
  /** The coordinator's last heartbeat: when it was sent by its clock, and came by ours. */
  let echo: MessageOf<'heartbeat'>['echo'] = null

  /** A long message on a slow link takes its time, and heartbeats wait behind it: whatever has come of it is a sign of life. */
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
    beat: (connection, { runId, silenceMs }, progress) => {
      const now = nowMs()
      noticeBytes(connection.receivedBytes())
      // A worker that was itself suspended has heard nobody: let what waits in the socket come first.
      if (now - beatAt > silenceMs / 2) lastHeardAt = now
      beatAt = now
      const silentMs = now - lastHeardAt
      if (silentMs > silenceMs) return `the coordinator was silent for ${(silentMs / 1000).toFixed(0)} s`
      connection.send({ type: 'heartbeat', runId, ...(progress ?? noProgress), sentMs: now, echo })
      return null
    },
  }
}
