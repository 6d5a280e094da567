import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runTool } from '../src/run-tool.ts'
import { readLines, temporaryFolder } from './support/machine.ts'
import { modulePath, runModule } from './support/run.ts'

const environment = { PATH: process.env.PATH }

test('the output of a program includes stdout and stderr', async () => {
  const result = await runTool('sh', ['-c', 'echo out; echo err >&2'], { environment })
  expect(result).toMatchObject({ status: 0, failure: undefined })
  expect(result.output.split('\n').sort()).toEqual(['', 'err', 'out'])
})

test('the failure of a program is its last line of output', async () => {
  const result = await runTool('sh', ['-c', 'echo trying; echo broken; exit 3'], { environment })
  expect(result).toMatchObject({ status: 3, failure: 'broken' })
})

test('the failure of a program without output is its status or signal', async () => {
  expect((await runTool('sh', ['-c', 'exit 3'], { environment })).failure).toBe('ended with status 3')
  expect((await runTool('sh', ['-c', 'kill -9 $$'], { environment })).failure).toBe('ended with SIGKILL')
})

test('only the given PATH is searched for a program', async () => {
  expect((await runTool('sh', [], { environment: { PATH: '/nowhere' } })).failure).toBe('not found')
})

test('the failure of a program that cannot be started is the system error', async () => {
  const tooLong = 'x'.repeat(4 << 20)
  expect((await runTool('sh', ['-c', tooLong], { environment })).failure).toBe('spawn E2BIG')
})

test('a program that hangs is ended by the timeout', async () => {
  const result = await runTool('sh', ['-c', 'exec sleep 600'], { environment, timeoutMs: 50 })
  expect(result.failure).toBe('gave no answer in time')
})

test('only the end of long output is kept', async () => {
  const { output } = await runTool('sh', ['-c', 'seq 1 100000'], { environment })
  expect(output.length).toBe(16_384)
  expect(output.endsWith('\n99999\n100000\n')).toBe(true)
})

test('a program that is not found does not keep its parent process running', { timeout: 10_000 }, async () => {
  // Its timeout is a minute, six times that of this test.
  expect(await runModule('run-missing-tool.mjs', [], environment)).toMatchObject({ status: 0, stdout: 'not found' })
})

test.each(['TERM', 'INT'])(
  'a program ends with its parent process, even if SIG%s arrives as soon as it runs',
  async signal => {
    const file = join(await temporaryFolder(), 'pid')
    const parent = spawn(process.execPath, [modulePath('run-signalling.mjs'), file, signal], { env: environment })
    const [, endedBy] = await once(parent, 'exit')
    expect(endedBy).toBe(`SIG${signal}`)
    const [child] = await readLines(file)
    expect(child).toMatch(/^\d+$/)
    await expect.poll(() => isRunning(Number(child))).toBe(false)
  },
)

async function isRunning(processId: number): Promise<boolean> {
  const status = await readFile(`/proc/${processId}/status`, 'utf8').catch(() => 'State: gone')
  return !/^State:\s+(Z|X|gone)/m.test(status)
}
