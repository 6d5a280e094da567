import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startCli } from '../support/cli.ts'

test.each([32, 64, 111])('a command that can open only %i files says how many it needs and what to do', async limit => {
  const { ending } = startCli(['--help'], {}, ['prlimit', `--nofile=${limit}`])
  expect(await ending).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      new RegExp(
        `^lockstep: too few files may be open at once: expected at least 112, received ${limit}\\n {2}Raise the limit with \`ulimit -n 1024\` as root.*\\n$`,
      ),
    ),
  })
})

test('a command that can open just enough files runs', async () => {
  const { ending } = startCli(['--help'], {}, ['prlimit', '--nofile=112'])
  expect(await ending).toMatchObject({ code: 0, stderr: '' })
})

test('a run whose workers need more files than allowed is rejected before anything is written', async () => {
  const folder = join(tmpdir(), `lockstep-files-${randomUUID()}`)
  const line = ['train', '--dataset', 'synthetic', '--offline', '--run-dir', folder, '--workers']
  // 112 to load the command line, 8 for each worker: 112 + 8 · 19 = 264
  const { ending } = startCli([...line, '19'], {}, ['prlimit', '--nofile=256'])
  expect(await ending).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^lockstep: too few files may be open at once: expected at least 264, received 256\n/,
    ),
  })
  expect(existsSync(folder)).toBe(false)
})
