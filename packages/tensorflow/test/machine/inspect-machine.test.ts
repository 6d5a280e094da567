import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { type Manifest, readEntry } from '../../src/cache-entry.ts'
import { inspectMachine } from '../../src/machine/inspect-machine.ts'
import { type ProvisionedTensorFlow, provisionTensorFlow } from '../../src/provision.ts'
import { createUser, listen } from '../support/machine.ts'

let provisioned: ProvisionedTensorFlow

beforeAll(async () => {
  provisioned = (await provisionTensorFlow(listen(process.env).options)) as ProvisionedTensorFlow
})

async function inspect(environment: NodeJS.ProcessEnv) {
  const { findings } = await inspectMachine({ environment })
  return Object.fromEntries(findings.map(finding => [finding.subject, finding]))
}

test('an installed TensorFlow is verified and loaded', async () => {
  const findings = await inspect(process.env)
  expect(findings.TensorFlow).toMatchObject({
    state: 'ok',
    facts: { version: '2.21.0', sha256Verified: true, folder: provisioned.libraryFolder },
  })
  expect(findings['TensorFlow binding']).toMatchObject({ state: 'ok', value: 'loads TensorFlow 2.21.0' })
})

test('on an empty machine, everything that is missing is listed with a remedy', async () => {
  const { environment } = await createUser()
  const findings = await inspect(environment)
  expect(findings.TensorFlow).toMatchObject({ state: 'missing', value: '2.21.0 is not installed yet' })
  expect(findings.TensorFlow?.remedy).toMatch(
    /^The next `pnpm cli train` installs it \(a download of 2\d\d\.\d MB\)\.$/,
  )
  expect(findings.pip?.remedy).toContain('apt-get install python3-pip')
  expect(findings['C++ compiler']?.remedy).toContain('apt-get install g++')
  expect(findings.Cache?.value).toMatch(/: empty; [\d.]+ [kMGT]?B free$/)
})

test('a GPU is listed with its memory and driver', async () => {
  const { environment } = await createUser({ 'nvidia-smi': 'echo "NVIDIA H100, 81559 MiB, 570.86"' })
  expect((await inspect(environment)).GPUs?.facts).toEqual({ gpus: ['NVIDIA H100, 81559 MiB, 570.86'] })
})

test('a changed byte in the library is found by checksum, even if sizes and times are right', async () => {
  const real = dirname(provisioned.libraryFolder)
  const { environment, cacheFolder } = await createUser()
  const copy = join(cacheFolder, basename(real))
  const manifest = (await readEntry(real)) as Manifest
  for (const { path } of manifest.files) {
    await mkdir(dirname(join(copy, path)), { recursive: true })
    await link(join(real, path), join(copy, path))
  }
  const changed = join('include', 'tensorflow', 'c', 'c_api.h')
  const text = await readFile(join(copy, changed), 'latin1')
  await rm(join(copy, changed))
  await writeFile(join(copy, changed), text.replace('TF_Version', 'TF_version'), 'latin1')
  const { mtimeMs } = await stat(join(copy, changed))
  const files = manifest.files.map(file => (file.path === changed ? { ...file, modifiedMs: mtimeMs } : file))
  await writeFile(join(copy, 'manifest.json'), JSON.stringify({ ...manifest, files }))

  expect((await inspect(environment)).TensorFlow).toMatchObject({
    state: 'warning',
    value: `damaged: ${join(copy, changed)}`,
    remedy: `Remove it, and the next run installs it again: \`rm -r ${copy}\``,
  })
})

test('a folder in LOCKSTEP_LIBTENSORFLOW that has no library is reported', async () => {
  const { environment, folder } = await createUser()
  const findings = await inspect({ ...environment, LOCKSTEP_LIBTENSORFLOW: folder })
  expect(findings.TensorFlow).toMatchObject({
    state: 'warning',
    value: expect.stringContaining(`LOCKSTEP_LIBTENSORFLOW names no TensorFlow library: ${folder}`),
  })
})
