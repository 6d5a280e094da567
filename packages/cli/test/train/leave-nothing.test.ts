import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCli, waitUntilGone } from '../support/cli.ts'

const folder = join(tmpdir(), `lockstep-early-${randomUUID()}`)
const tools = join(folder, 'tools')
const asked = join(folder, 'asked')

beforeAll(async () => {
  await mkdir(tools, { recursive: true })
  // The first program that the installation of TensorFlow runs. It writes its process id and hangs.
  await writeFile(
    join(tools, 'python3'),
    `#!/bin/sh\necho $$ > ${asked}.new && mv ${asked}.new ${asked}\nexec sleep 600\n`,
    {
      mode: 0o755,
    },
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.each([[[]], [['--supervise']]])(
  'a run that is interrupted while it installs TensorFlow leaves no folder and no process: %j',
  async flags => {
    await rm(asked, { force: true })
    const runs = join(folder, 'runs')
    const { child, ending } = startCli(['train', '--dataset', 'synthetic', '--runs-dir', runs, ...flags], {
      PATH: `${tools}${delimiter}${process.env.PATH}`,
      LOCKSTEP_CACHE_DIR: join(folder, 'cache'),
      LOCKSTEP_LIBTENSORFLOW: '',
      LOCKSTEP_OFFLINE: '',
    })
    while (!existsSync(asked)) await delay(20)
    expect(await readdir(runs)).toHaveLength(1)
    child.kill('SIGINT')
    expect(await ending).toMatchObject({ code: 130, stderr: 'lockstep: interrupted before the run has begun\n' })
    expect(await readdir(runs)).toEqual([])
    await waitUntilGone([Number(await readFile(asked, 'utf8'))])
  },
)

test('a run that cannot claim its folder on a full disk leaves nothing', async () => {
  const runs = join(folder, 'full')
  const line = ['train', '--dataset', 'synthetic', '--offline', '--runs-dir', runs]
  const { ending } = startCli(line, {}, ['prlimit', '--fsize=0:unlimited'])
  expect(await ending).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^lockstep: .* could not be written: .*EFBIG/),
  })
  expect(await readdir(runs)).toEqual([])
})
