import { fork } from 'node:child_process'
import { eachLine, endOf, mainFile } from '../processes/own-process.ts'
import type { CoordinatorOrder, FromCoordinator, ToCoordinator } from './messages.ts'

export type CoordinatorProcess = {
  /** Does nothing after the process has ended. */
  readonly send: (message: ToCoordinator) => void
  /** Resolves with how it ended: `exit code 1`, or the name of a signal. No messages or lines follow. */
  readonly ended: Promise<string>
  readonly kill: () => void
}

/** Starts a coordinator as a separate process. `on.line` gets each line of its standard error. */
export function forkCoordinator(
  order: CoordinatorOrder,
  on: { readonly message: (message: FromCoordinator) => void; readonly line: (text: string) => void },
): CoordinatorProcess {
  const child = fork(mainFile, ['supervised-coordinator'], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    serialization: 'json',
  })
  const ended = endOf(child, on.line)
  child.on('message', message => on.message(message as FromCoordinator))
  eachLine(child.stderr, on.line)
  send({ type: 'order', order })

  function send(message: ToCoordinator): void {
    // Ignore errors: the process may be ending, and `ended` reports that.
    if (child.connected) child.send(message, () => undefined)
  }

  return { send, ended, kill: () => void child.kill('SIGKILL') }
}
