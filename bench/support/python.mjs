// The benchmarks' own virtual environments with the Python libraries that lockstep is compared with.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const environments = fileURLToPath(new URL('../.venv', import.meta.url))

/** An interpreter with Keras, or null if it is not available. */
export function kerasPython() {
  return pythonWith('keras', ['tensorflow-cpu==2.21.0'], '1.6 GB')
}

/** An interpreter with PyTorch. PyPI has only the build for GPUs, which needs its GPU libraries even to start. */
export function torchPython() {
  return pythonWith('pytorch', ['torch==2.15.0', 'numpy==2.4.6'], '5.5 GB')
}

/** Returns the interpreter. Creates a missing environment; null if Python or the packages are not available. */
function pythonWith(name, packages, size) {
  const folder = join(environments, name)
  const python = join(folder, 'bin', 'python')
  const ready = join(folder, 'ready')
  const wanted = packages.join(', ')
  if (existsSync(ready) && readFileSync(ready, 'utf8') === wanted) return python
  try {
    process.stderr.write(`installing ${wanted} (${size}) for the baseline\n`)
    execFileSync('python3', ['-m', 'venv', '--clear', folder], { stdio: 'ignore' })
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...packages], { stdio: ['ignore', 'ignore', 'inherit'] })
    writeFileSync(ready, wanted)
    return python
  } catch (error) {
    process.stderr.write(`no ${name} to compare with: ${error.message}\n`)
    return null
  }
}
