import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { batchLaunch } from '../../src/train/batch-scheduling.ts'

/** The policy is field 41 of the line, of which the second may contain spaces (proc_pid_stat(5)). */
function policyOf(pid: number): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!
  return Number(afterName.split(' ')[41 - 3])
}

describe('a process that is launched for batch work', () => {
  test('is a batch job from its start on, and is Node with its channel', async () => {
    const launch = batchLaunch()!
    const program = 'process.send(process.version); process.once("message", () => process.disconnect())'
    const child = fork('-e', [program], { execPath: launch.execPath, execArgv: [...launch.execArgv] })
    const [version] = await once(child, 'message')
    expect(version).toBe(process.version)
    // SCHED_BATCH is 3 (sched.h).
    expect(policyOf(child.pid!)).toBe(3)
    child.send('end')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  test('is launched as ever where the tool is missing', () => {
    vi.stubEnv('PATH', '/nowhere')
    expect(batchLaunch()).toBeNull()
    vi.unstubAllEnvs()
  })
})
