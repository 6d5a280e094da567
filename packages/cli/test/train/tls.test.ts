import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeSelfSigned } from '../../../coordinator/test/support/self-signed.ts'
import { readSummary, runCli, startCli } from '../support/cli.ts'

const size = ['--dataset', 'synthetic', '--limit-train', '20', '--limit-test', '10', '--epochs', '1', '--shards', '2']

test('a worker reports a server that does not speak TLS', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ended = await runCli(['worker', '--connect', `wss://127.0.0.1:${port}`, '--wait', '0'])
  server.close()
  expect(ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^ {2}Something answers there, but not with TLS/m),
  })
})

describe('a run with a certificate', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-tls-'))
    const { cert, key } = makeSelfSigned()
    await writeFile(join(folder, 'cert.pem'), cert)
    await writeFile(join(folder, 'key.pem'), key)
    await writeFile(join(folder, 'token'), 'a token of more than sixteen characters\n')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('is not contacted by a worker whose --tls-ca has no certificate', async () => {
    const key = join(folder, 'key.pem')
    const ended = await runCli(['worker', '--connect', 'wss://127.0.0.1:1', '--tls-ca', key])
    const message = /^lockstep: --tls-ca: \S+key\.pem holds no certificate: expected a PEM file .*\n {2}Copy the file/m
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(message) })
  })

  test('is joined by a worker that trusts the certificate, and not by one that does not', async () => {
    const [cert, key, token, place] = ['cert.pem', 'key.pem', 'token', 'run'].map(name => join(folder, name))
    const open = ['--listen', '127.0.0.1:0', '--token-file', token!, '--tls-cert', cert!, '--tls-key', key!]
    const workerFlags = ['--workers', '1', '--min-workers', '2', '--offline', '--run-dir', place!]
    const cli = startCli(['train', ...size, ...workerFlags, ...open])
    const [, url] = await cli.printed(/listening on (wss:\/\/127\.0\.0\.1:\d+)$/m)
    const worker = ['worker', '--connect', url!, '--token-file', token!, '--offline']
    expect(await runCli([...worker, '--wait', '0'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^lockstep: no coordinator at wss:\S+ for 0 s: self-signed certificate\n.*--tls-ca FILE/m,
      ),
    })
    const trusting = startCli([...worker, '--name', 'trusting', '--tls-ca', cert!])
    for (const { ending } of [trusting, cli]) {
      const ended = await ending
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
    }
    const { perWorker } = await readSummary(place!)
    expect(perWorker.map(({ name }) => name)).toEqual(expect.arrayContaining(['local-1', 'trusting']))
  })
})
