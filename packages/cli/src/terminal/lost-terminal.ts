import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { isatty } from 'node:tty'

/**
 * Lets a process exit whose terminal has gone: Node puts every terminal back as it was when it started, and aborts where
 * it cannot, but leaves a descriptor alone that is another file by then.
 */
export function watchTerminal(): void {
  const terminals = [0, 1, 2].filter(isatty)
  process.on('exit', () => {
    for (const descriptor of terminals.filter(each => !isatty(each))) {
      closeSync(descriptor)
      // The lowest free number is given to it.
      openSync(devNull, 'r+')
    }
  })
}
