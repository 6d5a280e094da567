// Runs a program that does not exist, with a timeout of a minute.
import { runTool } from '../../dist/run-tool.js'

const { failure } = await runTool('no-such-program', [], { environment: process.env, timeoutMs: 60_000 })
process.stdout.write(failure)
