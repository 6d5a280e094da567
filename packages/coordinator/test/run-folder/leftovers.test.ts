import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { removeLeftovers } from '../../src/run-folder/leftovers.ts'
import { temporaryFolder } from '../support/folder.ts'

test('temporary files of killed processes are removed; those of live ones and all other files stay', async () => {
  const alive = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' })
  onTestFinished(() => void alive.kill('SIGKILL'))
  const dead = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
  await once(dead, 'exit')
  const path = await temporaryFolder()
  for (const place of ['checkpoints', 'model', 'plots', 'mine']) await mkdir(join(path, place))
  const files = [
    // This process has just started: a file with its pid is of an earlier one.
    `config.json.${process.pid}.partial`,
    `summary.json.${dead.pid}.partial`,
    `checkpoints/step-000000004.ckpt.${dead.pid}.partial`,
    `checkpoints/step-000000008.ckpt.${alive.pid}.partial`,
    'checkpoints/step-000000004.ckpt',
    `model/weights.bin.${dead.pid}.partial`,
    `plots/loss.svg.${dead.pid}.partial`,
    'notes.partial',
    `notes.${dead.pid}.partial`,
    `mine/file.${dead.pid}.partial`,
  ]
  for (const file of files) await writeFile(join(path, file), 'half')
  await removeLeftovers(path)
  const left = (await readdir(path, { recursive: true })).filter(name => name.includes('.')).sort()
  expect(left).toEqual([
    'checkpoints/step-000000004.ckpt',
    `checkpoints/step-000000008.ckpt.${alive.pid}.partial`,
    `mine/file.${dead.pid}.partial`,
    `notes.${dead.pid}.partial`,
    'notes.partial',
  ])
})

test('a missing folder has no leftovers', async () => {
  await removeLeftovers(join(await temporaryFolder(), 'missing'))
})
