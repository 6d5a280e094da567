import { spawnSync } from 'node:child_process'

/**
 * Makes Linux schedule all threads of this process, and those they start, as batch jobs (SCHED_BATCH, sched(7)), with
 * `chrt` of util-linux. Any other process that wakes preempts a batch job at once; a batch job that wakes preempts no
 * process. So when a coordinator on the same cores sends an update to its workers, the first worker does not preempt it
 * before it has sent the update to the second. Returns false and changes nothing if the tool is missing.
 */
export function becomeBatchJob(): boolean {
  const change = spawnSync('chrt', ['--all-tasks', '--batch', '--pid', '0', String(process.pid)], { stdio: 'ignore' })
  return change.status === 0
}
