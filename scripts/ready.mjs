// Makes the checkout ready to run: installs npm packages and builds the packages.
// It imports nothing from npm, because it runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const minimumNode = [20, 20]
const installStamp = join(root, 'node_modules', '.lockstep-installed')
const buildStamp = join(root, 'node_modules', '.lockstep-built')

/** Installs and builds what is missing or has changed since the last time; returns at once if nothing has. */
export function makeReady() {
  requireNode()
  const manifests = fingerprint(manifestFiles())
  if (readStamp(installStamp) !== manifests) {
    say('installing npm packages (they are missing or the lockfile has changed)')
    pnpm(['install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only'])
    writeStamp(installStamp, manifests)
  }
  const sources = fingerprint(sourceFiles())
  if (readStamp(buildStamp) !== sources || !existsSync(join(root, 'packages/cli/dist/main.js'))) {
    say('building (sources are new or have changed)')
    run(process.execPath, [bin('turbo'), 'run', 'build', '--output-logs=errors-only', '--log-order=grouped'])
    writeStamp(buildStamp, sources)
  }
}

/** The script of an npm package's command, to run with this Node. The packages must be installed. */
export function bin(name) {
  const scripts = {
    turbo: 'turbo/bin/turbo',
    biome: '@biomejs/biome/bin/biome',
    vitest: 'vitest/vitest.mjs',
  }
  return join(root, 'node_modules', scripts[name])
}

/** Runs a command quietly. If it fails, prints all its output and ends this process with its status. */
export function run(command, args) {
  const environment = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' }
  const result = spawnSync(command, args, { cwd: root, env: environment, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (result.status === 0) return
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`)
  say(result.error ? `could not run ${command}: ${result.error.message}` : `failed: ${args.join(' ')}`)
  process.exit(result.status || 1)
}

export function say(text) {
  process.stderr.write(`lockstep: ${text}\n`)
}

function pnpm(args) {
  const self = process.env.npm_execpath ?? ''
  if (/pnpm[^/\\]*\.c?js$/.test(self)) return run(process.execPath, [self, ...args])
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return run('npx', ['-y', packageManager, ...args])
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return
  say(`needs Node ${minimumNode.join('.')} or newer, this is ${process.version}; install a newer Node and try again`)
  process.exit(1)
}

function manifestFiles() {
  const packages = readdirSync(join(root, 'packages')).map(name => `packages/${name}/package.json`)
  return [
    'package.json',
    'pnpm-workspace.yaml',
    'pnpm-lock.yaml',
    'bench/package.json',
    'examples/package.json',
    ...packages,
  ]
}

function sourceFiles() {
  const files = ['tsconfig.base.json', 'turbo.json', 'pnpm-lock.yaml']
  for (const name of readdirSync(join(root, 'packages'))) {
    files.push(
      `packages/${name}/package.json`,
      `packages/${name}/tsconfig.json`,
      `packages/${name}/tsconfig.build.json`,
    )
    files.push(...filesUnder(`packages/${name}/src`), ...filesUnder(`packages/${name}/assembly`))
  }
  return files.sort()
}

function filesUnder(folder) {
  if (!existsSync(join(root, folder))) return []
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  return files.map(entry => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
}

/** A hash of the name, size and time of every file: enough to detect a change, and fast enough for every start. */
function fingerprint(files) {
  const hash = createHash('sha256').update(process.platform)
  for (const file of files) {
    const path = join(root, file)
    if (!existsSync(path)) continue
    const { size, mtimeMs } = statSync(path)
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

function writeStamp(path, value) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, value)
}
