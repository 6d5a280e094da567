import { describeError } from '@lockstep/protocol/error'
import { exitCodes } from './exit-codes.ts'
import { filesToLoad, shortageOfFiles } from './processes/open-files.ts'
import { watchTerminal } from './terminal/lost-terminal.ts'
import { watchOutput } from './terminal/standard-output.ts'

// A write beyond a limit to the size of files fails, as on a full disk. It ends the process where nobody listens but a dependency.
process.on('SIGXFSZ', () => undefined)

watchTerminal()
const output = watchOutput()
const code = await run(process.argv.slice(2))
const failure = await output.settle()
if (failure !== null) process.stderr.write(`lockstep: standard output could not be written: ${failure.message}\n`)
process.exit(failure === null ? code : code || exitCodes.failed)

/** Everything else is loaded here, where it can be: a process that may open too few files could not say why it cannot. */
async function run(words: readonly string[]): Promise<number> {
  const shortage = shortageOfFiles(filesToLoad)
  if (shortage !== null) {
    process.stderr.write(`lockstep: ${describeError(shortage)}\n`)
    return exitCodes.failed
  }
  const { runCommandLine } = await import('./run-command-line.ts')
  return runCommandLine(words)
}
