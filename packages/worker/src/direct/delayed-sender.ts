import type { Cancel, Clock, Message } from '@lockstep/protocol'

/** Sends messages after a delay, in order. */
export type DelayedSender = {
  /** Sends after `delayMs`, or when the next message is given. */
  readonly send: (message: Message) => void
  /** Sends a delayed message at once. */
  readonly flush: () => void
  /** Drops a delayed message. */
  readonly close: () => void
}

export function createDelayedSender(
  send: (message: Message) => void,
  clock: Pick<Clock, 'after'>,
  delayMs: number,
): DelayedSender {
  let waiting: Message | null = null
  let stopWaiting: Cancel = () => undefined

  function flush(): void {
    stopWaiting()
    if (waiting !== null) send(waiting)
    waiting = null
  }

  return {
    send: message => {
      flush()
      waiting = message
      stopWaiting = clock.after(delayMs, flush)
    },
    flush,
    close: () => {
      stopWaiting()
      waiting = null
    },
  }
}
