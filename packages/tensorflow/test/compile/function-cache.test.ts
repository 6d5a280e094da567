import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, test } from 'vitest'
import { type CompileOptions, compileFunction } from '../../src/compile/index.ts'
import { savedModelFile } from '../../src/compile/saved-model.ts'
import { useTensorFlow } from '../../src/testing/use-tensorflow.ts'
import { temporaryFolder } from '../support/machine.ts'
import { runModule } from '../support/run.ts'

beforeAll(useTensorFlow)

/** Compiles y = 2x, checks its results and returns how often it was traced. */
async function compile(cacheFolder: string | undefined, changes: Partial<CompileOptions> = {}) {
  let traces = 0
  const { run, dispose } = await compileFunction({
    trace: ([x]) => {
      traces += 1
      return [tf.mul(x!, 2)]
    },
    inputs: [{ name: 'x', shape: [2], dtype: 'float32' }],
    precision: 'float32',
    identity: 'twice',
    sources: [],
    cacheFolder,
    ...changes,
  })
  expect(run([Float32Array.of(1, 2)])).toEqual([Float32Array.of(2, 4)])
  dispose()
  return traces
}

test('a function is traced once and then read from the cache', async () => {
  const cache = await temporaryFolder()
  expect(await compile(cache)).toBe(1)
  expect(await compile(cache)).toBe(0)
  expect(await readdir(cache)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
})

test('nothing is cached without a folder', async () => {
  expect(await compile(undefined)).toBe(1)
  expect(await compile(undefined)).toBe(1)
})

test('a function with another identity, precision, input or source is compiled separately', async () => {
  const cache = await temporaryFolder()
  const code = await temporaryFolder()
  await writeFile(join(code, 'a.js'), 'one')
  const sources = [new URL(`file://${code}/`)]
  expect(await compile(cache, { sources })).toBe(1)
  expect(await compile(cache, { sources, identity: 'twice as much' })).toBe(1)
  expect(await compile(cache, { sources, precision: 'bfloat16' })).toBe(1)
  expect(await compile(cache, { sources, inputs: [{ name: 'y', shape: [2], dtype: 'float32' }] })).toBe(1)
  await writeFile(join(code, 'a.js'), 'two')
  expect(await compile(cache, { sources })).toBe(1)
  expect(await compile(cache, { sources })).toBe(0)
})

test.each([
  ['truncated', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
  ['empty', () => Buffer.alloc(0)],
  ['corrupt in one bit', (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)))],
])('an entry that is %s is built again', async (_, damage) => {
  const cache = await temporaryFolder()
  await compile(cache)
  const [key] = await readdir(cache)
  const file = join(cache, key!, savedModelFile)
  await writeFile(file, damage(await readFile(file)))
  expect(await compile(cache)).toBe(1)
  expect(await compile(cache)).toBe(0)
})

test('an entry that TensorFlow rejects is built again, even if length and time of its file are right', async () => {
  const cache = await temporaryFolder()
  await compile(cache)
  const [key] = await readdir(cache)
  const file = join(cache, key!, savedModelFile)
  const bytes = await readFile(file)
  const manifest = JSON.parse(await readFile(join(cache, key!, 'manifest.json'), 'utf8'))
  await writeFile(file, Buffer.alloc(bytes.length))
  // As after a power failure: the file has its length and time, but not its content.
  await utimes(file, new Date(), manifest.files[0].modifiedMs / 1000)
  expect(await compile(cache)).toBe(1)
})

test('functions are compiled without a cache if its folder cannot be created', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'file'), '')
  const cache = join(folder, 'file', 'cache')
  expect(await compile(cache)).toBe(1)
  expect(await compile(cache)).toBe(1)
})

test('concurrent compilations of one function all succeed and leave one entry', async () => {
  const cache = await temporaryFolder()
  await Promise.all([compile(cache), compile(cache), compile(cache)])
  expect(await readdir(cache)).toHaveLength(1)
  expect(await compile(cache)).toBe(0)
})

test('entries unused for 30 days are removed when another is added', async () => {
  const cache = await temporaryFolder()
  await compile(cache, { identity: 'in use' })
  const [inUse] = await readdir(cache)
  await compile(cache, { identity: 'forgotten' })
  const longAgo = Date.now() / 1000 - 31 * 86_400
  for (const key of await readdir(cache)) await utimes(join(cache, key), longAgo, longAgo)
  expect(await compile(cache, { identity: 'in use' })).toBe(0)
  await compile(cache, { identity: 'new' })
  expect(await readdir(cache)).toHaveLength(2)
  expect(await readdir(cache)).toContain(inUse)
  const lately = Date.now() / 1000 - 29 * 86_400
  for (const key of await readdir(cache)) await utimes(join(cache, key), lately, lately)
  await compile(cache, { identity: 'newest' })
  expect(await readdir(cache)).toHaveLength(3)
})

test('two processes that compile the same function at once leave one intact entry', async () => {
  const cache = await temporaryFolder()
  const runs = await Promise.all([1, 2].map(() => runModule('compile-twice.mjs', [cache], process.env)))
  expect(runs).toEqual([1, 2].map(() => ({ status: 0, stdout: '2,4', stderr: '' })))
  expect(await readdir(cache)).toHaveLength(1)
  const third = await runModule('compile-twice.mjs', [cache, 'kept'], process.env)
  expect(third).toEqual({ status: 0, stdout: '2,4', stderr: '' })
})

test('a process that is killed while writing leaves no entry, and the next one builds it', async () => {
  const cache = await temporaryFolder()
  const killed = await runModule('compile-twice.mjs', [cache, 'die'], process.env)
  expect(killed.status).not.toBe(0)
  expect(await readdir(cache)).toEqual([expect.stringMatching(/^\.aside-/)])
  const next = await runModule('compile-twice.mjs', [cache], process.env)
  expect(next).toEqual({ status: 0, stdout: '2,4', stderr: '' })
  expect((await readdir(cache)).filter(name => /^[0-9a-f]{64}$/.test(name))).toHaveLength(1)
})

test('leftovers of killed processes are removed after a day', async () => {
  const cache = await temporaryFolder()
  await compile(cache)
  const old = join(cache, '.aside-1-old')
  await mkdir(old)
  const twoDaysAgo = Date.now() / 1000 - 2 * 86_400
  await utimes(old, twoDaysAgo, twoDaysAgo)
  // Its process may still be writing.
  const recent = '.aside-2-recent'
  await mkdir(join(cache, recent))
  await compile(cache, { identity: 'another' })
  expect((await readdir(cache)).filter(name => name.startsWith('.'))).toEqual([recent])
})
