import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const module = fileURLToPath(new URL('../../dist/worker/batch-job.js', import.meta.url))

/** Whether a process became a batch job, and the policies of its threads, one of which started afterwards. */
function policiesOf(env: NodeJS.ProcessEnv): { readonly became: boolean; readonly policies: readonly number[] } {
  // The policy is field 41 of the line; field 2 may contain spaces (proc_pid_stat(5)).
  const program = `
    import { readdirSync, readFileSync } from 'node:fs'
    import { Worker } from 'node:worker_threads'
    import { becomeBatchJob } from ${JSON.stringify(module)}
    const became = becomeBatchJob()
    new Worker('setInterval(() => 0, 1000)', { eval: true }).once('online', () => {
      const policy = id => Number(readFileSync('/proc/self/task/' + id + '/stat', 'latin1').split(') ').at(-1).split(' ')[38])
      console.log(JSON.stringify({ became, policies: readdirSync('/proc/self/task').map(policy) }))
      process.exit()
    })`
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { env, encoding: 'utf8' }),
  ) as ReturnType<typeof policiesOf>
}

describe('a worker', () => {
  test('becomes a batch job with all its threads, including later ones', () => {
    const { became, policies } = policiesOf(process.env)
    expect(became).toBe(true)
    expect(policies.length).toBeGreaterThan(4)
    // SCHED_BATCH is 3 (sched.h).
    expect(new Set(policies)).toEqual(new Set([3]))
  })

  test('does not become a batch job if the tool is missing', () => {
    const { became, policies } = policiesOf({ ...process.env, PATH: '/nowhere' })
    expect(became).toBe(false)
    expect(new Set(policies)).toEqual(new Set([0]))
  })
})
