// A Python of the benchmarks' own with Keras, in a virtual environment beside them.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../.venv', import.meta.url))
const packages = ['tensorflow-cpu==2.21.0']

/** The interpreter; makes the environment when it is missing, or returns null where Python or the packages are not to be had. */
export function kerasPython() {
  const python = join(folder, 'bin', 'python')
  const ready = join(folder, 'ready')
  if (existsSync(ready)) return python
  try {
    process.stderr.write(`installing ${packages.join(', ')} for the baseline\n`)
    execFileSync('python3', ['-m', 'venv', '--clear', folder], { stdio: 'ignore' })
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...packages], { stdio: ['ignore', 'ignore', 'inherit'] })
    execFileSync('touch', [ready])
    return python
  } catch (error) {
    process.stderr.write(`no Keras to compare with: ${error.message}\n`)
    return null
  }
}
