import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { shellWord } from '@lockstep/protocol'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { mainFile, readSummary } from '../support/cli.ts'

const folder = join(tmpdir(), `lockstep-terminal-${randomUUID()}`)
beforeAll(() => mkdir(folder, { recursive: true }))
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a run whose terminal closes is interrupted', async () => {
  const [run, code] = [join(folder, 'run'), join(folder, 'code')]
  const size = ['--dataset', 'synthetic', '--limit-train', '50', '--limit-test', '10', '--epochs', '100000']
  const line = [process.execPath, mainFile, 'train', ...size, '--workers', '1', '--offline', '--run-dir', run]
  // SIGHUP goes to the leader of the session: a shell that outlives the terminal and records how the run has ended.
  const script = [
    `trap 'kill -HUP $run' HUP`,
    `${line.map(shellWord).join(' ')} & run=$!`,
    `wait $run; wait $run; echo $? > ${code}.new; mv ${code}.new ${code}`,
  ].join('\n')
  const terminal = spawn('script', ['--quiet', '--command', script, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void terminal.kill('SIGKILL'))
  await new Promise<void>(resolve => {
    let text = ''
    terminal.stdout.setEncoding('utf8').on('data', chunk => {
      text += chunk
      if (/epoch +1\//.test(text)) resolve()
    })
  })
  terminal.kill('SIGKILL')
  while (!existsSync(code)) await delay(20)
  expect(await readFile(code, 'utf8')).toBe('130\n')
  expect(await readSummary(run)).toMatchObject({ status: 'interrupted' })
})
