import { LockstepError } from '@lockstep/protocol'
import { runTool } from './run-tool.ts'

export type PipCommand = {
  /** As a user would type it: `python3 -m pip`. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
}

/** The commands that start pip, in the order in which they are tried. `uv` runs pip in its own environment. */
const candidates: readonly PipCommand[] = [
  { name: 'python3 -m pip', command: 'python3', args: ['-m', 'pip'] },
  { name: 'pip3', command: 'pip3', args: [] },
  { name: 'pip', command: 'pip', args: [] },
  { name: 'uv tool run pip', command: 'uv', args: ['tool', 'run', '--quiet', 'pip'] },
]

const versionTimeoutMs = 60_000

/** Finds the first pip that runs. Throws LockstepError `tensorflow-no-pip` with the failure of each candidate. */
export async function findPip(environment: NodeJS.ProcessEnv): Promise<PipCommand> {
  const failures: string[] = []
  for (const pip of candidates) {
    const result = await askPip(pip, environment)
    if (result.failure === undefined) return pip
    failures.push(`${pip.name}: ${result.failure}`)
  }
  throw new LockstepError('tensorflow-no-pip', 'No pip was found to download TensorFlow with', {
    expected: 'Python’s pip, or uv',
    received: failures.join('; '),
    hint: installHint({ apt: 'python3-pip', dnf: 'python3-pip', apk: 'py3-pip' }),
  })
}

/** Runs a pip command to get its version. */
export function askPip(pip: PipCommand, environment: NodeJS.ProcessEnv) {
  return runTool(pip.command, [...pip.args, '--version'], {
    environment: pipEnvironment(environment),
    timeoutMs: versionTimeoutMs,
  })
}

/** The user's environment with settings that make pip non-interactive, quiet and not use its own cache. */
export function pipEnvironment(environment: NodeJS.ProcessEnv, temporaryFolder?: string): NodeJS.ProcessEnv {
  const index = environment.PIP_INDEX_URL ?? environment.UV_DEFAULT_INDEX ?? environment.UV_INDEX_URL
  return {
    ...environment,
    ...(index && { PIP_INDEX_URL: index }),
    ...(temporaryFolder && { TMPDIR: temporaryFolder }),
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_NO_CACHE_DIR: '1',
    PIP_NO_INPUT: '1',
    PIP_PROGRESS_BAR: 'off',
    PIP_REQUIRE_VIRTUALENV: '0',
  }
}

/** Extracts the last network problem and the last error from pip's output, without the addresses of Python objects. */
export function explainPipFailure(output: string): string {
  const lines = output.split('\n').map(line => line.replaceAll(/<[^>]* at 0x\w+>: /g, '').trim())
  const network = lines.findLast(line => line.includes('connection broken by'))
  // A traceback follows this line, and the exception itself is in its last line.
  const isError = (line: string) => line.startsWith('ERROR:') && line !== 'ERROR: Exception:'
  const error = lines.findLast(isError) ?? lines.findLast(line => line !== '')
  return [network, error].filter(line => line !== undefined).join('\n')
}

/** A hint how to install a package with the three common package managers. */
export function installHint(names: { readonly apt: string; readonly dnf: string; readonly apk: string }): string {
  return (
    `Install it: \`sudo apt-get install ${names.apt}\` (Debian, Ubuntu), ` +
    `\`sudo dnf install ${names.dnf}\` (Fedora, RHEL) or \`sudo apk add ${names.apk}\` (Alpine).`
  )
}
