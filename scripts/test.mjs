// `pnpm test [vitest arguments]`: format, lint, types, then every package's tests in one run.
// The last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bin, makeReady, root, run, say } from './ready.mjs'

makeReady()
say('format and lint')
run(process.execPath, [bin('biome'), 'check', '.'])
say('types')
run(process.execPath, [bin('turbo'), 'run', 'types', '--output-logs=errors-only', '--log-order=grouped'])
say('TensorFlow')
await provisionTensorFlow()
say('tests')
const folder = mkdtempSync(join(tmpdir(), 'lockstep-test-'))
const report = join(folder, 'report.json')
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
const tests = spawnSync(process.execPath, [bin('vitest'), 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
const counts = readCounts(report)
rmSync(folder, { recursive: true, force: true })
process.stdout.write(`${counts.numPassedTests} passed, ${counts.numFailedTests} failed\n`)
process.exit(tests.status === 0 && counts.numPassedTests > 0 ? 0 : tests.status || 1)

/** Installs TensorFlow once for all tests. Most run offline, and without TensorFlow would compute on WebAssembly. */
async function provisionTensorFlow() {
  const { provisionTensorFlow: provision } = await import('../packages/tensorflow/dist/index.js')
  await provision({ environment: process.env, offline: false, onProgress: () => {}, onNotice: say })
}

function readCounts(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    say(`vitest wrote no report: ${error.message}`)
    return { numPassedTests: 0, numFailedTests: 1 }
  }
}
