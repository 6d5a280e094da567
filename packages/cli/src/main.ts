import { exitCodes } from './exit-codes.ts'
import { runCommandLine } from './run-command-line.ts'
import { watchOutput } from './terminal/standard-output.ts'

// A write beyond a limit to the size of files fails, as on a full disk. It ends the process where nobody listens but a dependency.
process.on('SIGXFSZ', () => undefined)

const output = watchOutput()
const code = await runCommandLine(process.argv.slice(2))
const failure = await output.settle()
if (failure !== null) process.stderr.write(`lockstep: standard output could not be written: ${failure.message}\n`)
process.exit(failure === null ? code : code || exitCodes.failed)
