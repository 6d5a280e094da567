import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { launchDefaults } from '../../src/flags/launch-options.ts'
import { readSettings } from '../../src/flags/read-settings.ts'

const defaults = { ...launchDefaults, listen: '127.0.0.1:7999' }

test('a file overrides the default of a command, and a flag overrides the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-settings-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const config = join(folder, 'settings.json')
  await writeFile(config, '{"listen": "10.0.0.1:8000"}')
  const listenOf = async (args: object) => (await readSettings({ ...args }, defaults)).launch.listen
  expect(await listenOf({})).toBe('127.0.0.1:7999')
  expect(await listenOf({ config })).toBe('10.0.0.1:8000')
  expect(await listenOf({ config, listen: '10.0.0.2:8000' })).toBe('10.0.0.2:8000')
})

test.each([
  ['seed', '1e400', 'at most 4294967295'],
  ['workers', '99999999999999999999', 'at most 1024'],
  ['workers', '-1e400', 'at least 1'],
  ['label-smoothing', '1e400', 'less than 1'],
  ['learning-rate', '1e400', 'a finite number'],
  ['checkpoint-every', '1e20', 'at most 9007199254740991'],
  ['keep', '1.50', 'a whole number'],
])('--%s %s is rejected with the typed value and the limit', async (flag, received, expected) => {
  await expect(readSettings({ [flag]: received })).rejects.toMatchObject({ message: `--${flag}`, expected, received })
})

test('--momentum is rejected with an optimizer without momentum', async () => {
  const refusal = { code: 'bad-configuration', message: '--momentum: the optimizer adam takes none' }
  await expect(readSettings({ momentum: '0.5' })).rejects.toMatchObject(refusal)
  await expect(readSettings({ momentum: '0.5', optimizer: 'adam' })).rejects.toMatchObject(refusal)
  expect((await readSettings({ momentum: '0.5', optimizer: 'sgd' })).config).toMatchObject({ momentum: 0.5 })
  // The optimizer is that of the resumed run.
  expect((await readSettings({ momentum: '0.5', resume: 'latest' })).config).toMatchObject({ momentum: 0.5 })
})

test('a model file is recorded by its full path', async () => {
  const modelOf = async (model: string) => (await readSettings({ model })).config.model
  expect(await modelOf('nets/wide.ts')).toBe(resolve('nets/wide.ts'))
  expect(await modelOf('resnet20')).toBe('resnet20')
})
