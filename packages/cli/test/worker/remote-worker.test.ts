import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCli } from '../support/cli.ts'

const endless = ['--dataset', 'synthetic', '--limit-train', '400', '--limit-test', '40', '--epochs', '5000']

describe('a worker that is interrupted', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-remote-'))
    await writeFile(join(folder, 'token'), 'a token of more than sixteen characters\n')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('leaves, and a coordinator that has no other one gives up after its --wait, with a checkpoint', async () => {
    const [token, place] = [join(folder, 'token'), join(folder, 'run')]
    const shared = ['--token-file', token, '--offline']
    // Not 1 s: a worker that a busy machine has held for longer than that would be given up before it is interrupted.
    const flags = ['--listen', '127.0.0.1:0', '--wait', '3', '--run-dir', place, '--json', '--log-steps']
    const cli = startCli(['coordinator', ...endless, ...shared, ...flags])
    const [, url] = await cli.printed(/listening on (ws:\/\/127\.0\.0\.1:\d+)/)
    const worker = startCli(['worker', '--connect', url!, '--name', 'guest', ...shared])
    await cli.printed(/^epoch +1\/5000 /m)
    worker.child.kill('SIGINT')
    expect(await worker.ending).toMatchObject({ code: 130, stdout: expect.stringMatching(/^leaving; /m) })

    const { code, stdout, stderr } = await cli.ending
    expect(code).toBe(1)
    expect(stderr).toMatch(/^worker \d+ lost: guest on \S+, the worker leaves; 0 active$/m)
    expect(stderr).toMatch(/^lockstep: no worker has been there for 3 s$/m)
    const told = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    const { step } = told.findLast(({ type }) => type === 'step')
    // A step later than an epoch's end has its checkpoint from this end of the run only.
    expect((await readdir(join(place, 'checkpoints'))).sort().at(-1)).toBe(`step-${String(step).padStart(9, '0')}.ckpt`)
  })
})
