import { runCommandLine } from './run-command-line.ts'

// A write beyond a limit to the size of files fails, as on a full disk. It ends the process where nobody listens but a dependency.
process.on('SIGXFSZ', () => undefined)

process.exit(await runCommandLine(process.argv.slice(2)))
