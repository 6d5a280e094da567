import { LockstepError } from '@lockstep/protocol'
import { findCompiler } from '../compiler.ts'
import { askPip, findPip } from '../pip.ts'
import { runTool } from '../run-tool.ts'
import type { Finding } from './finding.ts'

const gpuTimeoutMs = 20_000

/** @param isNeeded whether TensorFlow still has to be installed */
export async function inspectPip(environment: NodeJS.ProcessEnv, isNeeded: boolean): Promise<Finding> {
  return await inspectTool('pip', isNeeded, async () => {
    const pip = await findPip(environment)
    const { output } = await askPip(pip, environment)
    // `pip 24.0 from /usr/lib/python3/dist-packages/pip (python 3.12)`
    const version = /pip \S+/.exec(output)?.[0] ?? output.trim()
    return { command: pip.name, version }
  })
}

/** @param isNeeded whether the binding still has to be built */
export async function inspectCompiler(environment: NodeJS.ProcessEnv, isNeeded: boolean): Promise<Finding> {
  return await inspectTool('C++ compiler', isNeeded, () => findCompiler(environment))
}

/** Lists the GPUs that NVIDIA's driver reports. Having none is not a problem: training runs on the CPU. */
export async function inspectGpus(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader']
  const result = await runTool('nvidia-smi', query, { environment, timeoutMs: gpuTimeoutMs })
  const gpus = result.failure === undefined ? result.output.trim().split('\n').filter(Boolean) : []
  const found = gpus.length > 0
  return {
    subject: 'GPUs',
    state: 'ok',
    value: found ? `${gpus.join('; ')} (not used, training runs on the CPU)` : 'none, training runs on the CPU',
    facts: { gpus },
  }
}

async function inspectTool(
  subject: string,
  isNeeded: boolean,
  find: () => Promise<{ readonly command: string; readonly version: string }>,
): Promise<Finding> {
  try {
    const { command, version } = await find()
    return { subject, state: 'ok', value: `${command}: ${version}`, facts: { command, version } }
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    if (!isNeeded) return { subject, state: 'ok', value: 'none, and none is needed: TensorFlow is installed' }
    const { received, hint } = error
    return { subject, state: 'missing', value: `none (${received})`, ...(hint && { remedy: hint }) }
  }
}
