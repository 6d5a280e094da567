import { hasSystemCode } from '@lockstep/protocol'
import { onTestFinished } from 'vitest'

/** Suspends processes. Those that still exist after the test are killed, because a failed test does not resume them. */
export function suspend(...ids: readonly number[]): void {
  onTestFinished(() => ids.forEach(killIfThere))
  for (const id of ids) process.kill(id, 'SIGSTOP')
}

function killIfThere(id: number): void {
  try {
    process.kill(id, 'SIGKILL')
  } catch (error) {
    if (!hasSystemCode(error, 'ESRCH')) throw error
  }
}
