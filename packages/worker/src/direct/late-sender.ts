import type { Cancel, Clock, Message, Tensors } from '@lockstep/protocol'

export type Send = (message: Message, tensors?: Tensors) => void

/** Sends messages in the order in which it is given them, though some may wait. */
export type LateSender = {
  /** What waits goes first. */
  readonly send: Send
  /** Waits for `delayMs`, or until another message is sent. */
  readonly sendLate: (message: Message) => void
  /** What still waits is dropped. */
  readonly close: () => void
}

export function createLateSender(send: Send, clock: Pick<Clock, 'after'>, delayMs: number): LateSender {
  let waiting: Message | null = null
  let stopWaiting: Cancel = () => undefined

  function sendWaiting(): void {
    stopWaiting()
    if (waiting !== null) send(waiting)
    waiting = null
  }

  return {
    send: (message, tensors) => {
      sendWaiting()
      send(message, tensors)
    },
    sendLate: message => {
      sendWaiting()
      waiting = message
      stopWaiting = clock.after(delayMs, sendWaiting)
    },
    close: () => {
      stopWaiting()
      waiting = null
    },
  }
}
