// Runs lockstep's command line from a benchmark and reads its results.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const mainFile = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))

export function temporaryFolder(name) {
  return mkdtempSync(join(tmpdir(), `lockstep-bench-${name}-`))
}

/** Starts a command line with the prefix `wrap` (such as `ip netns exec NAME`). `ended` rejects if it fails. */
export function start(args, wrap = []) {
  const [command, ...rest] = [...wrap, process.execPath, mainFile, ...args]
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', chunk => (text += chunk))
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => {
      if (code === 0) resolve(text)
      else reject(new Error(`lockstep ${args.join(' ')} ended with ${code}:\n${text}`))
    })
  })
  return { child, ended }
}

export function readSummary(folder) {
  return JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'))
}
