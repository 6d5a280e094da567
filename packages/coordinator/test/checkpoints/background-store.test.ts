import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { createCheckpointCopier, encodeCheckpoint } from '@lockstep/model'
import { LockstepError } from '@lockstep/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { startBackgroundStore } from '../../src/checkpoints/background-store.ts'
import { storeOn } from '../../src/checkpoints/checkpoint-store.ts'
import { describeForThread, revive } from '../../src/checkpoints/store-messages.ts'
import { systemDisk } from '../../src/disk/disk.ts'
import { checkpointAt } from '../support/checkpoint-at.ts'
import { temporaryFolder } from '../support/folder.ts'

const config = '{"runId":"mine"}'
let path: string

beforeEach(async () => {
  path = await temporaryFolder()
  await mkdir(join(path, 'checkpoints'))
  await writeFile(join(path, 'config.json'), config)
  await writeFile(join(path, 'life.json'), '{"life":2}')
})

const jobAt = (step: number, life = 2) => ({
  folder: { path, life, config },
  checkpoint: createCheckpointCopier()(checkpointAt(step)),
  keep: 2,
})

describe.each([
  ['a background thread', startBackgroundStore],
  ['the calling thread', () => storeOn(systemDisk)],
])('a checkpoint stored by %s', (_, createStore) => {
  test('is written, and the oldest are deleted', async () => {
    const store = createStore()
    const paths = await Promise.all([3, 4, 5].map(step => store(jobAt(step))))
    const names = ['step-000000004.ckpt', 'step-000000005.ckpt']
    expect(readdirSync(join(path, 'checkpoints')).sort()).toEqual(names)
    expect(paths.slice(1)).toEqual(names.map(name => join(path, 'checkpoints', name)))
    expect(Buffer.compare(await readFile(paths[2]!), encodeCheckpoint(checkpointAt(5)))).toBe(0)
  })

  test('is not written if another coordinator has the run folder, or if there is none', async () => {
    const store = createStore()
    await expect(store(jobAt(3, 1))).rejects.toMatchObject({
      code: 'superseded',
      message: expect.stringContaining('its folder is in life 2, this coordinator in life 1'),
      hint: expect.stringContaining('This one wrote nothing more'),
    })
    await rm(path, { recursive: true })
    expect(await store(jobAt(4))).toBeNull()
  })

  test('is reported with the reason if it cannot be written, and the next one is written', async () => {
    const store = createStore()
    await mkdir(join(path, 'checkpoints', 'step-000000003.ckpt'))
    const failure = await store(jobAt(3)).catch(error => error)
    expect(failure).toBeInstanceOf(LockstepError)
    expect(failure).toMatchObject({ code: 'file-not-written', cause: { code: 'EISDIR' } })
    await expect(store(jobAt(4))).resolves.toBe(join(path, 'checkpoints', 'step-000000004.ckpt'))
  })
})

test.runIf(process.platform === 'linux')('the background thread runs at the lowest priority', async () => {
  const low = () => readdirSync('/proc/self/task').filter(task => getPriority(Number(task)) === 19)
  const before = low()
  await startBackgroundStore()(jobAt(3))
  expect(low()).toHaveLength(before.length + 1)
  expect(low()).not.toContain(String(process.pid))
})

test('the background thread keeps its process alive only while it writes', () => {
  const module = new URL('../../dist/index.js', import.meta.url)
  const program = `
    import { startBackgroundStore } from ${JSON.stringify(module)}
    const job = ${JSON.stringify(jobAt(3))}
    const { optimizer } = job.checkpoint
    const checkpoint = { ...job.checkpoint, weights: new Float32Array(3), optimizer: { ...optimizer, moments: [] } }
    startBackgroundStore()({ ...job, checkpoint }).then(path => process.stdout.write(path))
  `
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
  expect(said).toBe(join(path, 'checkpoints', 'step-000000003.ckpt'))
})

test('an error keeps its class, its details and the code of its cause when it passes between threads', () => {
  const cause = Object.assign(new Error('no room'), { code: 'ENOSPC' })
  const error = new LockstepError('disk-full', 'the disk is full', { kind: 'usage', hint: 'Free some.', cause })
  const copy = revive(structuredClone(describeForThread(error)))
  expect(copy).toBeInstanceOf(LockstepError)
  expect(copy).toMatchObject({ ...error, message: error.message, cause: { message: 'no room', code: 'ENOSPC' } })
  const plain = revive(structuredClone(describeForThread(new TypeError('a bug'))))
  expect([plain.message, plain instanceof LockstepError, plain.stack]).toEqual(['a bug', false, expect.any(String)])
})
