import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { isatty } from 'node:tty'

/**
 * Lets a process exit normally after its terminal has closed. At exit Node restores the settings of every terminal and
 * aborts if it cannot, but it skips a descriptor that has become another file. So this replaces lost terminals by
 * /dev/null.
 */
export function watchTerminal(): void {
  const terminals = [0, 1, 2].filter(isatty)
  process.on('exit', () => {
    for (const descriptor of terminals.filter(each => !isatty(each))) {
      closeSync(descriptor)
      // It gets the lowest free descriptor, which is the one just closed.
      openSync(devNull, 'r+')
    }
  })
}
