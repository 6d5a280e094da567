import { mkdir, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { asReason, type ProvisionedTensorFlow, provisionFrom, provisionTensorFlow } from '../src/provision.ts'
import { createUser, listen, readLines } from './support/machine.ts'
import { createUserWithPip } from './support/wheel.ts'

let provisioned: ProvisionedTensorFlow

beforeAll(async () => {
  provisioned = (await provisionTensorFlow(listen(process.env).options)) as ProvisionedTensorFlow
}, 600_000)

/** The folder of the library installed on this machine, in the layout of TensorFlow's C distribution. */
const realLibrary = () => dirname(provisioned.libraryFolder)

describe('provisioning', () => {
  test('finds a library and its binding', async () => {
    expect(provisioned).toMatchObject({ backend: 'tensorflow', version: '2.21.0' })
    expect((await stat(provisioned.bindingFile)).size).toBeGreaterThan(50_000)
  })

  test('needs no network and no programs and gives no notices if everything is installed', async () => {
    const { options, notices, progress } = listen({ ...process.env, PATH: '' }, true)
    expect(await provisionTensorFlow(options)).toEqual(provisioned)
    expect([...notices, ...progress]).toEqual([])
  })

  test('returns a result that can be passed as JSON, as it is to worker processes', () => {
    expect(JSON.parse(JSON.stringify(provisioned))).toEqual(provisioned)
  })
})

describe('LOCKSTEP_LIBTENSORFLOW', () => {
  test('can be a library in the layout of the C distribution, for which a binding is built', async () => {
    const { environment, folder } = await createUser()
    const own = { ...environment, PATH: process.env.PATH, CXX: 'env c++', LOCKSTEP_LIBTENSORFLOW: realLibrary() }
    const { options, progress } = listen(own, true)
    const found = (await provisionTensorFlow(options)) as ProvisionedTensorFlow
    expect(found).toMatchObject({ backend: 'tensorflow', version: '2.21.0' })
    expect(found.libraryFolder).toBe(join(realLibrary(), 'lib'))
    expect(found.bindingFile.startsWith(folder)).toBe(true)
    expect(progress.at(-1)).toEqual({ label: 'building the TensorFlow binding', done: 1, total: 1, unit: 'steps' })
    expect(await provisionTensorFlow(listen({ ...own, PATH: '' }, true).options)).toEqual(found)
  })

  test('can also be the folder of an unpacked wheel', async () => {
    const { environment, folder } = await createUser()
    const wheel = join(folder, 'tensorflow')
    await mkdir(wheel)
    await symlink(join(realLibrary(), 'include'), join(wheel, 'include'))
    for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
      await symlink(join(realLibrary(), 'lib', name), join(wheel, name))
    }
    const own = { ...environment, PATH: process.env.PATH, LOCKSTEP_LIBTENSORFLOW: wheel }
    expect(await provisionTensorFlow(listen(own).options)).toMatchObject({ backend: 'tensorflow', version: '2.21.0' })
  })

  test.each([
    ['no such folder', []],
    ['neither libtensorflow_cc.so.2 nor libtensorflow.so.2 in it or in its lib/', ['include/tensorflow/c/c_api.h']],
    ['no include/tensorflow/c/c_api.h in it', ['lib/libtensorflow.so.2', 'lib/libtensorflow_framework.so.2']],
    [
      'no libtensorflow_framework.so.2 beside libtensorflow.so.2',
      ['lib/libtensorflow.so.2', 'include/tensorflow/c/c_api.h'],
    ],
  ])('is rejected as a usage error: %s', async (received, files) => {
    const { environment, folder } = await createUser()
    const own = join(folder, 'own')
    for (const file of files) {
      await mkdir(dirname(join(own, file)), { recursive: true })
      await writeFile(join(own, file), '')
    }
    const { options } = listen({ ...environment, LOCKSTEP_LIBTENSORFLOW: own })
    await expect(provisionTensorFlow(options)).rejects.toMatchObject({
      code: 'tensorflow-library-invalid',
      kind: 'usage',
      message: `LOCKSTEP_LIBTENSORFLOW names no TensorFlow library: ${own}`,
      received,
    })
  })
})

describe('a machine without usable TensorFlow', () => {
  test('computes on WebAssembly if there is no pip, and a notice says what was tried and how to install it', async () => {
    const { environment } = await createUser({ 'c++': 'echo "c++ 0"' })
    const { options, notices } = listen(environment)
    expect(await provisionTensorFlow(options)).toEqual({
      backend: 'wasm',
      version: '4.22.0',
      reason: 'No pip was found to download TensorFlow with',
    })
    expect(notices).toHaveLength(1)
    expect(notices[0]).toContain('computing with WEBASSEMBLY instead')
    expect(notices[0]).toContain(
      'python3 -m pip: not found; pip3: not found; pip: not found; uv tool run pip: not found',
    )
    expect(notices[0]).toContain('sudo apt-get install python3-pip')
  })

  test('reports a missing compiler before downloading anything', async () => {
    const user = await createUserWithPip()
    const { options, notices } = listen(user.environment)
    expect(await provisionFrom(user.source, options)).toMatchObject({
      backend: 'wasm',
      reason: 'No C++ compiler was found to build the TensorFlow binding with',
    })
    expect(notices[0]).toContain('sudo apt-get install g++')
    expect(await readLines(user.pipLog)).toEqual([])
  })

  test('reports everything that is missing at once', async () => {
    const { environment } = await createUser()
    const { options, notices } = listen(environment)
    expect((await provisionTensorFlow(options)).backend).toBe('wasm')
    expect(notices[0]).toContain('uv tool run pip: not found; c++: not found; g++: not found; clang++: not found')
    expect(notices[0]).toContain('sudo apt-get install python3-pip g++')
  })

  test('computes on WebAssembly if there is no compiler for the user’s own library', async () => {
    const { environment } = await createUser()
    const { options, notices } = listen({ ...environment, LOCKSTEP_LIBTENSORFLOW: realLibrary() })
    expect(await provisionTensorFlow(options)).toMatchObject({
      backend: 'wasm',
      reason: 'No C++ compiler was found to build the TensorFlow binding with',
    })
    expect(notices[0]).toContain('c++: not found; g++: not found; clang++: not found')
    expect(notices[0]).toContain('sudo apt-get install g++')
  })

  test('shows the error of a compiler that fails', async () => {
    const { environment } = await createUser({
      'g++': 'case "$*" in --version) echo "g++ 0";; *) echo "fatal error: no <string>" >&2; exit 1;; esac',
    })
    const { options, notices } = listen({ ...environment, LOCKSTEP_LIBTENSORFLOW: realLibrary() })
    expect((await provisionTensorFlow(options)).backend).toBe('wasm')
    expect(notices[0]).toContain('received fatal error: no <string>')
  })

  test('computes on WebAssembly if the user’s own library does not load', async () => {
    const { environment, folder } = await createUser()
    const own = join(folder, 'own')
    await mkdir(join(own, 'lib'), { recursive: true })
    await symlink(join(realLibrary(), 'include'), join(own, 'include'))
    for (const name of ['libtensorflow.so.2', 'libtensorflow_framework.so.2']) {
      await writeFile(join(own, 'lib', name), 'not a library')
    }
    const { options, notices } = listen({ ...environment, PATH: process.env.PATH, LOCKSTEP_LIBTENSORFLOW: own })
    expect(await provisionTensorFlow(options)).toMatchObject({
      backend: 'wasm',
      reason: 'TensorFlow does not load on this machine',
    })
    expect(notices[0]).toContain('libtensorflow.so.2')
  })

  test.each([
    ['--offline', {}, true],
    ['LOCKSTEP_OFFLINE=1', { LOCKSTEP_OFFLINE: '1' }, false],
  ])('says what is missing and how to fetch it with %s', async (_name, variables, offline) => {
    const { environment, cacheFolder } = await createUser()
    const { options, notices } = listen({ ...environment, ...variables }, offline)
    const reason = 'TensorFlow 2.21.0 is not in the cache and the network is off'
    expect(await provisionTensorFlow(options)).toMatchObject({ backend: 'wasm', reason })
    expect(notices[0]).toContain(cacheFolder)
    expect(notices[0]).toMatch(/`python3 -m pip download .* tensorflow(-cpu)?==2\.21\.0`/)
  })

  test.each(['', '0'])('is not offline with LOCKSTEP_OFFLINE=%s', async value => {
    const { environment } = await createUser({ 'c++': 'echo "c++ 0"' })
    const { options } = listen({ ...environment, LOCKSTEP_OFFLINE: value })
    expect(await provisionTensorFlow(options)).toMatchObject({
      reason: 'No pip was found to download TensorFlow with',
    })
  })

  test.each(['ENOSPC', 'EDQUOT'])('reports the error %s as a full disk', code => {
    const cause = Object.assign(new Error(`${code}: write`), { code })
    expect(asReason(cause, '/cache')).toMatchObject({ code: 'tensorflow-disk-full', received: `${code}: write` })
  })

  test('computes on WebAssembly if the cache cannot be written', async () => {
    const { environment, folder } = await createUser({ pip: 'echo "pip 0"', 'c++': 'echo "c++ 0"' })
    await writeFile(join(folder, 'cache'), 'a file in the way')
    const { options, notices } = listen(environment)
    expect(await provisionTensorFlow(options)).toMatchObject({
      backend: 'wasm',
      reason: `TensorFlow cannot be kept in ${join(folder, 'cache', 'tensorflow')}`,
    })
    expect(notices[0]).toContain('LOCKSTEP_CACHE_DIR')
  })

  test('reports the system error if the cache cannot be read, even offline', async () => {
    const { environment, cacheFolder } = await createUser()
    await mkdir(dirname(cacheFolder))
    // A link to itself fails for every user, including root.
    await symlink(cacheFolder, cacheFolder)
    const { options, notices } = listen(environment, true)
    expect(await provisionTensorFlow(options)).toMatchObject({
      backend: 'wasm',
      reason: `TensorFlow cannot be kept in ${cacheFolder}`,
    })
    expect(notices[0]).toContain('ELOOP')
  })

  test('computes on WebAssembly if there is no wheel for it', async () => {
    const { environment } = await createUser()
    const { options } = listen(environment)
    expect(await provisionFrom(undefined, options)).toMatchObject({
      backend: 'wasm',
      reason: `There is no TensorFlow wheel for this machine: ${process.platform} on ${process.arch}`,
    })
  })
})
