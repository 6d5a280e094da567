import { describeError } from '@lockstep/protocol/error'
import { exitCodes } from './exit-codes.ts'
import { filesToLoad, shortageOfFiles } from './processes/open-files.ts'
import { watchTerminal } from './terminal/lost-terminal.ts'
import { watchOutput } from './terminal/standard-output.ts'

// With this listener a write beyond the file size limit fails, as on a full disk. Without a listener of our own the
// signal would end the process.
process.on('SIGXFSZ', () => undefined)

watchTerminal()
const output = watchOutput()
const code = await run(process.argv.slice(2))
const failure = await output.settle()
if (failure !== null) process.stderr.write(`lockstep: standard output could not be written: ${failure.message}\n`)
process.exit(failure === null ? code : code || exitCodes.failed)

/**
 * Loads everything else only after checking the limit of open files: beyond it, loading fails without a useful error.
 */
async function run(words: readonly string[]): Promise<number> {
  const shortage = shortageOfFiles(filesToLoad)
  if (shortage !== null) {
    process.stderr.write(`lockstep: ${describeError(shortage)}\n`)
    return exitCodes.failed
  }
  const { runCommandLine } = await import('./run-command-line.ts')
  return runCommandLine(words)
}
