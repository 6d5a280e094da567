// One run of a baseline, in a separate process.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs SCRIPT DATA_DIR SAMPLES EPOCHS BATCH VALUES… and reads the last line that it prints. */
export async function runBaseline(command, script, { dataDir, samples, epochs, batch }, values, environment = {}) {
  const file = fileURLToPath(new URL(`../baselines/train/${script}`, import.meta.url))
  const args = [file, dataDir, samples, epochs, batch, ...values].map(String)
  const { stdout } = await execute(command, args, { env: { ...process.env, ...environment } })
  return JSON.parse(stdout.trim().split('\n').at(-1))
}
