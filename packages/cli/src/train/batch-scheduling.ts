import { spawnSync } from 'node:child_process'

/** How a program is started: the file to execute, and the arguments before its own. */
export type Launch = { readonly execPath: string; readonly execArgv: readonly string[] }

/**
 * Starts Node so that the kernel schedules it as a batch job (SCHED_BATCH, sched(7)), by `chrt` of util-linux. A process
 * that wakes takes the core from a batch job at once, and a batch job that wakes takes it from nobody: a coordinator
 * that sends an update to its workers is not thrown off its core by the first of them before it has sent to the second.
 * Null where the tool or the right is missing; then Node is started as it is.
 */
export function batchLaunch(): Launch | null {
  const [execPath, ...before] = ['chrt', '--batch', '0']
  const probe = spawnSync(execPath!, [...before, 'true'], { stdio: 'ignore' })
  return probe.status === 0 ? { execPath: execPath!, execArgv: [...before, process.execPath] } : null
}
