import { spawnSync } from 'node:child_process'

/**
 * Has Linux schedule all threads of this process, and those they start, as batch jobs (SCHED_BATCH, sched(7)), by `chrt` of
 * util-linux. Any other process that wakes takes the core from a batch job at once; a batch job that wakes takes it
 * from nobody. So a coordinator on the same cores that sends an update to its workers is not thrown off its core by the
 * first of them before it has sent to the second. Returns false, with nothing changed, where the tool is missing.
 */
export function becomeBatchJob(): boolean {
  const change = spawnSync('chrt', ['--all-tasks', '--batch', '--pid', '0', String(process.pid)], { stdio: 'ignore' })
  return change.status === 0
}
