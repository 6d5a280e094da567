import { createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { Header, type HeaderData } from 'tar'
import { expect, test } from 'vitest'
import { cifar10, cifar100 } from '../../src/cifar/format.ts'
import { unpackArchive } from '../../src/fetch/unpack.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

type Entry = HeaderData & { readonly path: string }

/** Writes a .tar.gz of these entries; the content of each file is zeros. */
async function pack(entries: readonly Entry[]): Promise<string> {
  const archive = join(temporaryFolder(), 'archive.tar.gz')
  await pipeline(Readable.from(blocksOf(entries)), createGzip({ level: 1 }), createWriteStream(archive))
  return archive
}

function* blocksOf(entries: readonly Entry[]): Generator<Uint8Array> {
  for (const entry of entries) {
    const header = new Header({ type: 'File', mode: 0o644, size: 0, ...entry })
    header.encode()
    yield header.block!
    for (let left = Math.ceil((entry.size ?? 0) / 512) * 512; left > 0; left -= chunk.length)
      yield chunk.subarray(0, left)
  }
  yield new Uint8Array(1024)
}

const chunk = new Uint8Array(1 << 20)

async function unpack(entries: readonly Entry[], format = cifar10) {
  const place = temporaryFolder()
  const folder = join(place, 'unpacking')
  await mkdir(folder)
  const archive = await pack(entries)
  const signal = new AbortController().signal
  const unpacked = unpackArchive({ archive, format, folder, signal, onProgress: () => undefined })
  return { place, folder, unpacked }
}

/** The size of every file below a folder, by path. */
async function filesIn(folder: string): Promise<Record<string, number>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => !entry.isDirectory()).map(entry => join(entry.parentPath, entry.name))
  return Object.fromEntries(
    await Promise.all(files.map(async file => [file.slice(folder.length + 1), (await stat(file)).size])),
  )
}

test.each([
  { format: cifar10, name: 'data_batch_1.bin', size: 30_730_000 },
  { format: cifar10, name: 'test_batch.bin', size: 30_730_000 },
  { format: cifar10, name: 'batches.meta.txt', size: 65_536 },
  { format: cifar10, name: 'record-counts.json', size: 65_536 },
  { format: cifar100, name: 'train.bin', size: 153_700_000 },
  { format: cifar100, name: 'test.bin', size: 30_740_000 },
  { format: cifar100, name: 'coarse_label_names.txt', size: 65_536 },
])('$name of $format.title is unpacked with $size bytes and rejected with one more', async ({ format, name, size }) => {
  const path = `${format.folder}/${name}`
  const legal = await unpack([{ path, size }], format)
  await legal.unpacked
  expect(await filesIn(legal.place)).toEqual({ [`unpacking/${path}`]: size })
  const long = await unpack([{ path, size: size + 1 }], format)
  await expect(long.unpacked).rejects.toMatchObject({
    code: 'archive-wrong',
    received: `${path} of ${size + 1} bytes`,
  })
  expect(await filesIn(long.place)).toEqual({})
})

test('an archive that contains a file twice is rejected', async () => {
  const path = `${cifar10.folder}/batches.meta.txt`
  const { unpacked } = await unpack([{ path }, { path: `./${path}` }])
  await expect(unpacked).rejects.toMatchObject({ code: 'archive-wrong', received: `${path} twice` })
})

test('files outside any folder are unpacked', async () => {
  const { folder, unpacked } = await unpack([{ path: './test_batch.bin', size: 3 }])
  await unpacked
  expect(await filesIn(folder)).toEqual({ 'test_batch.bin': 3 })
})

test.each<[string, Entry]>([
  ['in another folder', { path: 'elsewhere/test_batch.bin', size: 3 }],
  ['in a parent folder', { path: '../test_batch.bin', size: 3 }],
  ['in a parent of its own folder', { path: `${cifar10.folder}/../../test_batch.bin`, size: 3 }],
  ['with an absolute path', { path: '/test_batch.bin', size: 3 }],
  ['with another name', { path: `${cifar10.folder}/readme.html`, size: 3 }],
])('a file %s is skipped', async (_, entry) => {
  const { place, unpacked } = await unpack([entry])
  await unpacked
  expect(await filesIn(place)).toEqual({})
})

test.each(['SymbolicLink', 'Link', 'CharacterDevice', 'BlockDevice', 'FIFO', 'Directory'] as const)(
  'an entry of type %s is skipped, and a file of the same path that follows is unpacked',
  async type => {
    const path = `${cifar10.folder}/test_batch.bin`
    const target = join(temporaryFolder(), 'target')
    await writeFile(target, 'as before')
    const { folder, unpacked } = await unpack([
      { path: cifar10.folder, type: 'SymbolicLink', linkpath: join(target, '..') },
      { path, type, linkpath: target },
      { path, size: 3 },
    ])
    await unpacked
    expect(await filesIn(folder)).toEqual({ [path]: 3 })
    expect((await stat(join(folder, path))).isFile()).toBe(true)
    expect(await readFile(target, 'utf8')).toBe('as before')
  },
)
