import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode } from 'fast-png'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ending, runCli } from '../support/cli.ts'

let folder: string
let synthesized: Ending

/** Runs `pnpm cli data …` with a new cache and without a data folder in the environment. */
const data = (...args: string[]) =>
  runCli(['data', ...args], { LOCKSTEP_CACHE_DIR: join(folder, 'cache'), LOCKSTEP_DATA_DIR: '' })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-data-command-'))
  synthesized = await data('synthesize', '--format', 'cifar100', '--out', join(folder, 'made'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('synthesize writes the files of CIFAR-100 and says how to train on them', async () => {
  const place = join(folder, 'made', 'cifar-100-binary')
  expect(synthesized).toMatchObject({ code: 0, stderr: '' })
  expect(synthesized.stdout.split('\n')).toEqual([
    place,
    `\`pnpm cli train --dataset cifar100 --data-dir ${join(folder, 'made')}\` trains on it.`,
    '',
  ])
  // 3,000 records of 3074 bytes.
  expect((await stat(join(place, 'test.bin'))).size).toBe(9_222_000)
})

test('info lists the hundred classes and draws their samples', async () => {
  const sheet = join(folder, 'sheets', 'made.png')
  const { code, stdout } = await data(
    'info',
    '--dataset',
    'cifar100',
    '--data-dir',
    join(folder, 'made'),
    '--sheet',
    sheet,
  )
  expect(code).toBe(0)
  expect(stdout).toContain('15,000 training and 3,000 test images · 100 classes')
  expect(stdout).toMatch(/^ {3}99 {2}white checker {6}150 {4}30$/m)
  expect(stdout).toMatch(/^SHA-256 {2}[0-9a-f]{64}$/m)
  expect(decode(await readFile(sheet)).width).toBeGreaterThan(2000)
})

test('info --augment draws augmented versions of an image of each class', async () => {
  const [plain, varied] = [join(folder, 'sheets', 'plain.png'), join(folder, 'sheets', 'varied.png')]
  await data('info', '--dataset', 'synthetic', '--sheet', plain)
  const { code } = await data('info', '--dataset', 'synthetic', '--sheet', varied, '--augment')
  expect(code).toBe(0)
  const [before, after] = [decode(await readFile(plain)), decode(await readFile(varied))]
  expect([after.width, after.height]).toEqual([before.width, before.height])
  // The squares of 8 by 8 pixels are drawn at twice their size, in 13 variants of 10 images; no shape has their grey.
  const greys = ({ data, channels }: typeof after) =>
    Array.from({ length: data.length / channels }, (_, i) => data.subarray(channels * i, channels * i + 3)).filter(
      pixel => pixel.every(value => value === 128),
    ).length
  expect(greys(before)).toBeLessThan(100)
  expect(greys(after)).toBeGreaterThan(130 * 64)
  expect(greys(after)).toBeLessThanOrEqual(130 * 256 + 100)
})

test('info --augment without --sheet is a usage error', async () => {
  const { code, stderr } = await data('info', '--dataset', 'synthetic', '--augment')
  expect(code).toBe(2)
  expect(stderr).toMatch(/not into which file[\s\S]*--sheet FILE.png/)
})

test('info falls back to the embedded set with a notice', async () => {
  const { code, stdout, stderr } = await data('info')
  expect(code).toBe(0)
  expect(stdout).toContain('source   embedded')
  expect(stderr).toMatch(/`pnpm cli data fetch --dataset cifar10` gets it[\s\S]*SYNTHETIC/)
})

test('info fails for a data set that is not available', async () => {
  const { code, stdout, stderr } = await data('info', '--dataset', 'cifar10')
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^lockstep: CIFAR-10 is not available/)
})

test('info fails for a truncated file and says where it ends', async () => {
  const place = join(folder, 'broken', 'cifar-100-binary')
  await data('synthesize', '--format', 'cifar100', '--out', join(folder, 'broken'))
  await truncate(join(place, 'train.bin'), 3074 * 10 + 7)
  const { code, stderr } = await data('info', '--dataset', 'cifar100', '--data-dir', join(folder, 'broken'))
  expect(code).toBe(1)
  expect(stderr).toContain(`${join(place, 'train.bin')} has the wrong size`)
  expect(stderr).toContain('it ends 7 bytes into record 10')
  expect(stderr).not.toContain('    at ')
})

test('fetch fails in two lines and leaves no files if the connection is refused', async () => {
  const { code, stdout, stderr } = await data('fetch', '--from', 'http://127.0.0.1:9/cifar.tar.gz')
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^lockstep: http:\/\/127.0.0.1:9\/cifar.tar.gz cannot be downloaded/)
  expect(stderr.trim().split('\n')).toHaveLength(2)
  expect(await readdir(join(folder, 'cache', 'data'))).toEqual([])
})

test.each([
  ['synthesize --format cifar1 --out x', /--format/],
  ['synthesize --format cifar10', /out/],
  [
    'synthesize --format cifar10 --out x --seed -1',
    /--seed: expected a whole number from 0 to 4294967295, received -1/,
  ],
  [
    'synthesize --format cifar10 --out x --seed 4294967296',
    /--seed: expected a whole number from 0 to 4294967295, received 4294967296/,
  ],
  ['info --dataset mnist', /--dataset/],
  ['fetch --data-set cifar10', /Did you mean --dataset\?/],
  ['fetch --dataset synthetic', /--dataset/],
  ['shuffle', /has no command shuffle/],
])('data %s is a usage error', async (words, complaint) => {
  const { code, stdout, stderr } = await data(...words.split(' '))
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(complaint)
  expect(stderr).not.toContain('    at ')
  expect(existsSync('x')).toBe(false)
})

test('a sheet whose name does not end in .png is a usage error', async () => {
  const { code, stdout, stderr } = await data('info', '--dataset', 'synthetic', '--sheet', join(folder, 'sheet.jpg'))
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/drawn as PNG[\s\S]*ends in \.png[\s\S]*sheet\.jpg/)
})

test('a sheet that cannot be written is reported', async () => {
  await writeFile(join(folder, 'file'), '')
  const { code, stderr } = await data('info', '--dataset', 'synthetic', '--sheet', join(folder, 'file', 'sheet.png'))
  expect(code).toBe(1)
  expect(stderr).toMatch(/sheet.png cannot be written/)
})
