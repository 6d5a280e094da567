import { fork } from 'node:child_process'
import { eachLine, endOf, mainFile } from '../processes/own-process.ts'
import type { CoordinatorOrder, FromCoordinator, ToCoordinator } from './messages.ts'

export type CoordinatorProcess = {
  /** Does nothing once it has ended. */
  readonly send: (message: ToCoordinator) => void
  /** Resolves with how it ended: `exit code 1`, or the name of a signal. Nothing more comes from it afterwards. */
  readonly ended: Promise<string>
  readonly kill: () => void
}

/** Starts a coordinator as a process of its own. What it writes on standard error comes line by line. */
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
    // It may end at this moment, of which `ended` tells.
    if (child.connected) child.send(message, () => undefined)
  }

  return { send, ended, kill: () => void child.kill('SIGKILL') }
}
