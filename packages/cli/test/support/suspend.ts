import { hasSystemCode } from '@lockstep/protocol'
import { onTestFinished } from 'vitest'

/** Stops processes where they are. Those still there after the test are killed: one that fails leaves nobody to wake them. */
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
