import { fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { CoordinatorOrder, FromCoordinator, ToCoordinator } from './messages.ts'

export type CoordinatorProcess = {
  /** Does nothing once it has ended. */
  readonly send: (message: ToCoordinator) => void
  /** Resolves with how it ended: `exit code 1`, or the name of a signal. Nothing more comes from it afterwards. */
  readonly ended: Promise<string>
  readonly kill: () => void
}

const mainFile = fileURLToPath(new URL('../main.js', import.meta.url))

/** Starts a coordinator as a process of its own. What it writes on standard error comes line by line. */
export function forkCoordinator(
  order: CoordinatorOrder,
  on: { readonly message: (message: FromCoordinator) => void; readonly line: (text: string) => void },
): CoordinatorProcess {
  const child = fork(mainFile, ['supervised-coordinator'], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    serialization: 'json',
  })
  const ended = new Promise<string>(resolve => {
    child.on('error', error => {
      on.line(error.message)
      if (child.pid === undefined) resolve('no process')
    })
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
  child.on('message', message => on.message(message as FromCoordinator))
  if (child.stderr !== null) createInterface({ input: child.stderr }).on('line', on.line)
  send({ type: 'order', order })

  function send(message: ToCoordinator): void {
    // It may end at this moment, of which `ended` tells.
    if (child.connected) child.send(message, () => undefined)
  }

  return { send, ended, kill: () => void child.kill('SIGKILL') }
}
