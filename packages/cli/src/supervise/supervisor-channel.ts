import { LockstepError } from '@lockstep/protocol'
import type { CoordinatorOrder, FromCoordinator, ToCoordinator } from './messages.ts'

type MessageOf<T extends ToCoordinator['type']> = Extract<ToCoordinator, { type: T }>

/** A supervised coordinator's end of the IPC channel to its supervisor. */
export type SupervisorChannel = {
  readonly order: Promise<CoordinatorOrder>
  /** Calls the listener with each message of this type, including those that arrived earlier. */
  readonly on: <T extends ToCoordinator['type']>(type: T, listener: (message: MessageOf<T>) => void) => void
  /** Called when the supervisor has ended. */
  readonly onLost: (listener: () => void) => void
  /** Resolves when the message is sent, or when the supervisor is gone. */
  readonly send: (message: FromCoordinator) => Promise<void>
}

/** Opens the line. Throws `not-supervised` in a process that was not started by a supervisor. */
export function openSupervisorChannel(): SupervisorChannel {
  if (process.send === undefined) {
    throw new LockstepError('not-supervised', '`supervised-coordinator` is started by `train --supervise`', {
      kind: 'usage',
    })
  }
  const received: ToCoordinator[] = []
  const listeners: ((message: ToCoordinator) => void)[] = []
  process.on('message', message => {
    received.push(message as ToCoordinator)
    for (const listener of listeners) listener(message as ToCoordinator)
  })

  function on<T extends ToCoordinator['type']>(type: T, listener: (message: MessageOf<T>) => void): void {
    const pass = (message: ToCoordinator) => {
      if (message.type === type) listener(message as MessageOf<T>)
    }
    received.forEach(pass)
    listeners.push(pass)
  }

  return {
    order: new Promise(resolve => on('order', ({ order }) => resolve(order))),
    on,
    onLost: listener => void process.once('disconnect', listener),
    send: message =>
      new Promise(resolve => {
        if (!process.connected) return resolve()
        process.send!(message, undefined, undefined, () => resolve())
      }),
  }
}
