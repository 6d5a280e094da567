import type { Cancel, Clock, Message } from '@lockstep/protocol'

/** Sends messages a little later, in the order in which it is given them. */
export type LateSender = {
  /** Waits for `delayMs`, or until the next one is given. */
  readonly send: (message: Message) => void
  /** Sends at once what waits. */
  readonly flush: () => void
  /** What still waits is dropped. */
  readonly close: () => void
}

export function createLateSender(
  send: (message: Message) => void,
  clock: Pick<Clock, 'after'>,
  delayMs: number,
): LateSender {
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
