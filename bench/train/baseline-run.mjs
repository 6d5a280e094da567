// One run of something that lockstep is measured beside, in a process of its own.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs SCRIPT DATA_DIR SAMPLES EPOCHS BATCH VALUES… and reads the last line that it prints. */
export async function runBaseline(command, script, { dataDir, samples, epochs, batch }, values) {
  const file = fileURLToPath(new URL(`../baselines/train/${script}`, import.meta.url))
  const { stdout } = await execute(command, [file, dataDir, samples, epochs, batch, ...values].map(String))
  return JSON.parse(stdout.trim().split('\n').at(-1))
}
