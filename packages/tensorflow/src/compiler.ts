import { LockstepError } from '@lockstep/protocol'
import { installHint } from './pip.ts'
import { runTool } from './run-tool.ts'

export type CompilerFinding = { readonly command: string; readonly version: string }

/** The first C++ compiler that answers: `$CXX`, c++, g++, clang++. Throws LockstepError `tensorflow-no-compiler`. */
export async function findCompiler(environment: NodeJS.ProcessEnv): Promise<CompilerFinding> {
  const failures: string[] = []
  for (const command of [environment.CXX, 'c++', 'g++', 'clang++']) {
    if (!command) continue
    const result = await runTool(command, ['--version'], { environment, timeoutMs: 60_000 })
    if (result.failure === undefined) return { command, version: result.output.split('\n')[0] ?? '' }
    failures.push(`${command}: ${result.failure}`)
  }
  throw new LockstepError('tensorflow-no-compiler', 'No C++ compiler was found to build the TensorFlow binding with', {
    expected: 'g++ or clang++ (or $CXX)',
    received: failures.join('; '),
    hint: installHint({ apt: 'g++', dnf: 'gcc-c++', apk: 'g++' }),
  })
}
