import { chmod, readdir } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../support/machine.ts'
import { runBoundByModes, runModule } from '../support/run.ts'

const right = { status: 0, stdout: '2,4', stderr: '' }

async function makeReadOnly(folder: string): Promise<void> {
  await chmod(folder, 0o555)
  onTestFinished(() => chmod(folder, 0o755))
  const written = await runBoundByModes('write-file.mjs', [folder], process.env)
  expect(written).toEqual({ status: 0, stdout: 'EACCES', stderr: '' })
}

test('a process without write access to the cache computes correctly and leaves nothing there', async () => {
  const cache = await temporaryFolder()
  await makeReadOnly(cache)
  expect(await runBoundByModes('compile-twice.mjs', [cache], process.env)).toEqual(right)
  expect(await readdir(cache)).toEqual([])
})

test('a process that cannot create the cache computes correctly', async () => {
  const parent = await temporaryFolder()
  await makeReadOnly(parent)
  expect(await runBoundByModes('compile-twice.mjs', [`${parent}/compiled`], process.env)).toEqual(right)
  expect(await readdir(parent)).toEqual([])
})

test('a process without write access to the cache uses its entries', async () => {
  const cache = await temporaryFolder()
  expect(await runModule('compile-twice.mjs', [cache], process.env)).toEqual(right)
  const entries = await readdir(cache)
  await makeReadOnly(cache)
  expect(await runBoundByModes('compile-twice.mjs', [cache, 'kept'], process.env)).toEqual(right)
  expect(await readdir(cache)).toEqual(entries)
})
