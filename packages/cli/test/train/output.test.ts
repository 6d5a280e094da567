import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSummary, runCli, startCli, strikeAt } from '../support/cli.ts'

const size = ['--limit-train', '200', '--limit-test', '20', '--validation-split', '0', '--epochs', '3']
const line = ['train', '--dataset', 'synthetic', ...size, '--workers', '1', '--engine', 'eager', '--offline']
const intoFullDisk = ['sh', '-c', 'exec "$@" > /dev/full', 'sh']
const inTerminal = [
  'python3',
  '-c',
  'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))',
]

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-output-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a run completes', () => {
  test('if its output is no longer read', async () => {
    const place = join(folder, 'unread')
    const cli = startCli([...line, '--run-dir', place, '--json'])
    await cli.printed(/1 active/)
    cli.child.stdout!.destroy()
    cli.child.stderr!.destroy()
    expect((await cli.ending).code).toBe(0)
    expect(await readSummary(place)).toMatchObject({ status: 'completed', steps: 12 })
  })

  test('if its output goes to a full disk, which it reports at the end', async () => {
    const place = join(folder, 'full')
    const ended = await startCli([...line, '--run-dir', place, '--json'], {}, intoFullDisk).ending
    expect(ended.stderr).toMatch(/^lockstep: standard output could not be written: ENOSPC/m)
    expect(ended.code).toBe(1)
    expect(await readSummary(place)).toMatchObject({ status: 'completed', steps: 12 })
  })

  test('if it receives SIGHUP without a terminal, as under nohup', async () => {
    const place = join(folder, 'hung-up')
    const ended = await runCli([...line, '--run-dir', place], strikeAt(/epoch 1\/3/, 'SIGHUP', 'itself'))
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(await readSummary(place)).toMatchObject({ status: 'completed', steps: 12 })
  })
})

test.each([
  ['completed', 'pnpm cli evaluate', {}],
  ['interrupted', 'pnpm cli train --resume', strikeAt(/epoch 1\/3/, 'SIGINT', 'itself')],
])('a terminal keeps the last lines of a run that is %s', async (status, command, environment) => {
  const place = join(folder, `kept-${status}`)
  const { stdout } = await startCli([...line, '--run-dir', place], { TERM: 'xterm', ...environment }, inTerminal).ending
  expect(stdout).toContain('\u001b[0J')
  const lastLines = stdout.slice(stdout.lastIndexOf(`\n${status} `))
  expect(lastLines).toContain(`next           ${command} ${place}`)
  expect(lastLines, 'what erases lines').not.toContain('\u001b')
})

test('a run that receives SIGHUP in a terminal is interrupted', async () => {
  const place = join(folder, 'terminal')
  const ended = await startCli([...line, '--run-dir', place], strikeAt(/epoch 1\/3/, 'SIGHUP', 'itself'), inTerminal)
    .ending
  expect(ended, ended.stdout).toMatchObject({ code: 130 })
  expect(await readSummary(place)).toMatchObject({ status: 'interrupted' })
})

test('a command whose output cannot be written fails', async () => {
  const ended = await startCli(['runs', '--json', '--runs-dir', folder], {}, intoFullDisk).ending
  expect(ended.stderr).toMatch(/^lockstep: standard output could not be written: ENOSPC/m)
  expect(ended.code).toBe(1)
})
