import { LockstepError } from '@lockstep/protocol'
import { installHint } from './pip.ts'
import { runTool, type ToolOptions, type ToolResult } from './run-tool.ts'

const versionTimeoutMs = 60_000

export type CompilerFinding = { readonly command: string; readonly version: string }

/** Finds the first C++ compiler that runs: `$CXX`, c++, g++, clang++. Throws LockstepError `tensorflow-no-compiler`. */
export async function findCompiler(environment: NodeJS.ProcessEnv): Promise<CompilerFinding> {
  const failures: string[] = []
  for (const command of [environment.CXX, 'c++', 'g++', 'clang++']) {
    if (!command) continue
    const result = await runCompiler(command, ['--version'], { environment, timeoutMs: versionTimeoutMs })
    if (result.failure === undefined) return { command, version: result.output.split('\n')[0] ?? '' }
    failures.push(`${command}: ${result.failure}`)
  }
  throw new LockstepError('tensorflow-no-compiler', 'No C++ compiler was found to build the TensorFlow binding with', {
    expected: 'g++ or clang++ (or $CXX)',
    received: failures.join('; '),
    hint: installHint({ apt: 'g++', dnf: 'gcc-c++', apk: 'g++' }),
  })
}

/** Runs a compiler. Its name may include arguments, as in `$CXX`: `ccache g++`. */
export function runCompiler(name: string, args: readonly string[], options: ToolOptions): Promise<ToolResult> {
  const [command = '', ...leading] = name.trim().split(/\s+/)
  return runTool(command, [...leading, ...args], options)
}
