// Runs a program that writes its process id into the file of argument 1, sends this process the signal of argument 2,
// and never ends.
import { runTool } from '../../dist/run-tool.js'

const [file, signal] = process.argv.slice(2)
const script = `echo $$ > ${file}; kill -s ${signal} $PPID; exec sleep 600`
await runTool('sh', ['-c', script], { environment: process.env })
