// Runs a program that prints its process id into the file of argument 1 and never ends.
import { runTool } from '../../dist/run-tool.js'

await runTool('sh', ['-c', `echo $$ > ${process.argv[2]}; exec sleep 600`], { environment: process.env })
