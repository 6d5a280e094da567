import { LockstepError } from '@lockstep/protocol'
import { findCompiler } from './compiler.ts'
import { findPip, installHint } from './pip.ts'

/**
 * Checks that the tools for installing TensorFlow are there. Throws LockstepError `tensorflow-no-compiler`,
 * `tensorflow-no-pip`, or `tensorflow-no-tools` if both are missing.
 */
export async function requireTools(environment: NodeJS.ProcessEnv): Promise<void> {
  const missing: LockstepError[] = []
  for (const find of [findPip, findCompiler]) {
    try {
      await find(environment)
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
      missing.push(error)
    }
  }
  const [first, second] = missing
  if (first === undefined) return
  if (second === undefined) throw first
  throw new LockstepError(
    'tensorflow-no-tools',
    'Neither pip nor a C++ compiler was found to install TensorFlow with',
    {
      expected: `${first.expected}; ${second.expected}`,
      received: `${first.received}; ${second.received}`,
      hint: installHint({ apt: 'python3-pip g++', dnf: 'python3-pip gcc-c++', apk: 'py3-pip g++' }),
    },
  )
}
