import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runCli } from '../support/cli.ts'

/** Packs files of CIFAR-100 with two records each, in the layout of the official archive. */
async function packArchive(folder: string): Promise<string> {
  const place = join(folder, 'packed', 'cifar-100-binary')
  await mkdir(place, { recursive: true })
  for (const file of ['train.bin', 'test.bin']) await writeFile(join(place, file), new Uint8Array(2 * 3074))
  await writeFile(join(place, 'record-counts.json'), '{"trainRecords": 2, "testRecords": 2}')
  const archive = join(folder, 'archive.tar.gz')
  execFileSync('tar', ['-czf', archive, '-C', join(folder, 'packed'), 'cifar-100-binary'])
  return archive
}

async function serve(content: Uint8Array): Promise<string> {
  const server = createServer((_, response) => response.end(content))
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/archive.tar.gz`
}

test('fetch stores a data set in the cache, where info finds it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-fetch-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const from = await serve(await readFile(await packArchive(folder)))
  const environment = { LOCKSTEP_CACHE_DIR: join(folder, 'cache'), LOCKSTEP_DATA_DIR: '', NO_PROXY: '127.0.0.1' }
  const fetched = await runCli(['data', 'fetch', '--dataset', 'cifar100', '--from', from], environment)
  const place = join(folder, 'cache', 'data', 'cifar-100-binary')
  expect(fetched.code).toBe(0)
  expect(fetched.stdout).toBe(`CIFAR-100 · 2 training and 2 test images · 100 classes\n${place}\n`)
  expect(fetched.stderr).toMatch(/downloading CIFAR-100: .*100 %/)
  expect(fetched.stderr).toContain('is not the official archive of CIFAR-100')
  const { code, stdout } = await runCli(['data', 'info', '--dataset', 'cifar100'], environment)
  expect(code).toBe(0)
  expect(stdout).toContain(`source   ${place}`)
  expect(stdout).toMatch(/^ {4}0 {2}apple {14}2 {5}2$/m)
})
