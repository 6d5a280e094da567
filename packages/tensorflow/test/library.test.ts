import { execFile } from 'node:child_process'
import { appendFile, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ensureCachedLibrary, type InstallOptions, libraryKey } from '../src/library.ts'
import { listen, readLines } from './support/machine.ts'
import { createUserWithPip, type WheelUser } from './support/wheel.ts'

const killedInstaller = fileURLToPath(new URL('support/install-and-die.mjs', import.meta.url))

function prepare(user: WheelUser, offline = false) {
  const heard = listen(user.environment, offline)
  const options: InstallOptions = { ...heard.options, cacheFolder: user.cacheFolder }
  return { ...heard, install: () => ensureCachedLibrary(user.source, options) }
}

/** Runs an installer in a process that kills itself at `stage`; resolves with the signal that ended it. */
function installAndDie(user: WheelUser, stage: string): Promise<NodeJS.Signals | null> {
  const args = [killedInstaller, JSON.stringify(user.source), stage, user.cacheFolder]
  return new Promise(resolve => {
    execFile(process.execPath, args, { env: user.environment }).once('exit', (_status, signal) => resolve(signal))
  })
}

describe('a library from a wheel', () => {
  test('is downloaded by pip and unpacked, and the progress is reported', async () => {
    const user = await createUserWithPip()
    const { install, progress } = prepare(user)
    const library = await install()
    expect(await readdir(library.libraryFolder)).toEqual(['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'])
    expect(await readFile(join(library.includeFolder, 'tensorflow/c/eager/c_api.h'), 'utf8')).toBe('// eager/c_api.h')
    // 40,000 · 8 + 10,000 · 10 characters of libraries, 10 + 16 of headers.
    const unpacked = { label: 'unpacking TensorFlow 0.0.1', done: 420_026, total: 420_026, unit: 'bytes' }
    expect(progress.at(-1)).toEqual(unpacked)
    const { bytes } = user.source
    expect(progress).toContainEqual({ label: 'downloading TensorFlow 0.0.1', done: bytes, total: bytes, unit: 'bytes' })
  })

  test('contains only what the C interface needs, and the wheel is deleted', async () => {
    const user = await createUserWithPip()
    const library = await prepare(user).install()
    await expect(stat(join(library.includeFolder, 'tensorflow/core'))).rejects.toThrow('ENOENT')
    expect(await readdir(user.cacheFolder)).toEqual([libraryKey(user.source)])
  })

  test('is requested from pip with the pinned version, Python and platform and without dependencies', async () => {
    const user = await createUserWithPip()
    await prepare(user).install()
    const [call] = await readLines(user.pipLog)
    expect(call).toMatch(
      /^-m pip download --no-deps --only-binary=:all: --python-version=3\.12 --platform=manylinux_2_27_x86_64 --dest=\S+ tiny-tensorflow==0\.0\.1$/,
    )
  })

  test('is reused offline and without pip', async () => {
    const user = await createUserWithPip()
    const first = await prepare(user).install()
    const later = prepare({ ...user, environment: { PATH: '' } }, true)
    expect(await later.install()).toEqual(first)
    expect(later.progress).toEqual([])
  })

  test('is installed once by two concurrent installers, and the second reports that it waits', async () => {
    const user = await createUserWithPip('/bin/cat "$HOME/gate"')
    await new Promise(resolve => execFile('mkfifo', [join(user.folder, 'gate')]).once('exit', resolve))
    const [first, second] = [prepare(user), prepare(user)]
    const installing = [first.install(), second.install()]
    await expect.poll(() => [...first.notices, ...second.notices].length).toBe(1)
    await writeFile(join(user.folder, 'gate'), 'go')
    const [one, two] = await Promise.all(installing)
    expect(one).toEqual(two)
    expect([...first.notices, ...second.notices]).toEqual([
      `another process is installing TensorFlow in ${user.cacheFolder}; waiting for it`,
    ])
    expect(await readLines(user.pipLog)).toHaveLength(1)
  })

  test('is installed after an earlier installer was killed while downloading', async () => {
    const user = await createUserWithPip()
    expect(await installAndDie(user, 'downloading')).toBe('SIGKILL')
    const library = await prepare(user).install()
    expect(await readdir(user.cacheFolder)).toEqual([libraryKey(user.source)])
    expect(await readdir(library.libraryFolder)).toHaveLength(2)
  })

  test('is installed without a second download after an earlier installer was killed while unpacking', async () => {
    const user = await createUserWithPip()
    expect(await installAndDie(user, 'unpacking')).toBe('SIGKILL')
    expect(await readdir(user.cacheFolder)).not.toContain(libraryKey(user.source))
    await prepare(user).install()
    expect(await readdir(user.cacheFolder)).toEqual([libraryKey(user.source)])
    expect(await readLines(user.pipLog)).toHaveLength(1)
  })

  test('is downloaded again if the wheel left by a killed installer is corrupt', async () => {
    const user = await createUserWithPip()
    await installAndDie(user, 'unpacking')
    const left = await readdir(user.cacheFolder, { recursive: true })
    const wheel = join(user.cacheFolder, left.find(name => name.endsWith(user.source.fileName))!)
    const content = await readFile(wheel)
    await writeFile(wheel, content.fill(content[100]! ^ 1, 100, 101))
    await prepare(user).install()
    expect(await readLines(user.pipLog)).toHaveLength(2)
  })
})

describe('a damaged library', () => {
  async function installed() {
    const user = await createUserWithPip()
    const library = await prepare(user).install()
    return { user, library, file: join(library.libraryFolder, 'libtensorflow_cc.so.2') }
  }

  test('is installed again if a file is shorter', async () => {
    const { user, file } = await installed()
    await writeFile(file, 'short')
    await prepare(user).install()
    expect((await stat(file)).size).toBe(320_000)
    expect(await readdir(user.cacheFolder)).toEqual([libraryKey(user.source)])
  })

  test('is installed again if a file of the same size has other content', async () => {
    const { user, file } = await installed()
    await writeFile(file, 'x'.repeat(320_000))
    await prepare(user).install()
    expect(await readFile(file, 'utf8')).toMatch(/^library /)
  })

  test('is installed again if its manifest is truncated', async () => {
    const { user, library } = await installed()
    await writeFile(join(library.folder, 'manifest.json'), '{"format":1,"files":[')
    await prepare(user).install()
    expect(await readLines(user.pipLog)).toHaveLength(2)
  })

  test('is not assumed when only a modification time has changed', async () => {
    const { user, file } = await installed()
    await utimes(file, new Date(0), new Date(0))
    await prepare(user).install()
    expect(await readLines(user.pipLog)).toHaveLength(1)
  })
})

describe('an installation that fails', () => {
  test('rejects a wheel with a wrong checksum and deletes it', async () => {
    const user = await createUserWithPip()
    await appendFile(join(user.folder, 'tiny.whl'), 'more')
    await expect(prepare(user).install()).rejects.toMatchObject({
      code: 'tensorflow-checksum',
      expected: `SHA-256 ${user.source.sha256}, ${user.source.bytes} bytes`,
    })
    expect(await readdir(user.cacheFolder)).toEqual([])
  })

  test('gives the command that fetches the library if the network is off', async () => {
    const user = await createUserWithPip()
    await expect(prepare(user, true).install()).rejects.toMatchObject({
      code: 'tensorflow-offline',
      expected: `${libraryKey(user.source)} in ${user.cacheFolder}`,
      hint: expect.stringContaining('python3 -m pip download --no-deps --only-binary=:all:'),
    })
    expect(await readLines(user.pipLog)).toEqual([])
  })

  test('reports why pip failed', async () => {
    const user = await createUserWithPip('echo "ERROR: No matching distribution found"; exit 1')
    await expect(prepare(user).install()).rejects.toMatchObject({
      code: 'tensorflow-download-failed',
      received: 'ERROR: No matching distribution found',
    })
  })

  test('reports a disk that is full during the download', async () => {
    const user = await createUserWithPip('echo "OSError: [Errno 28] No space left on device"; exit 2')
    await expect(prepare(user).install()).rejects.toMatchObject({ code: 'tensorflow-disk-full' })
    expect(await readdir(user.cacheFolder)).toEqual([])
  })

  test('reports how much space it needs if the disk has less', async () => {
    const user = await createUserWithPip()
    const source = { ...user.source, unpackedBytes: 9e15 }
    await expect(prepare({ ...user, source }).install()).rejects.toMatchObject({
      code: 'tensorflow-disk-full',
      expected: '9000.00 TB free while installing',
    })
    expect(await readLines(user.pipLog)).toEqual([])
  })

  test('leaves a file in place of the cache folder as it is', async () => {
    const user = await createUserWithPip()
    await mkdir(join(user.folder, 'cache'))
    await writeFile(user.cacheFolder, 'a file')
    await expect(prepare(user).install()).rejects.toMatchObject({ code: 'EEXIST' })
    expect(await readFile(user.cacheFolder, 'utf8')).toBe('a file')
  })
})
