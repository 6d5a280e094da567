import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { exampleFacts } from '../support/example-facts.ts'

/** Usage errors: the words after `cli`, and what the message must say. `DIR` is the test's folder. */
const usageErrors: readonly (readonly [line: string, says: RegExp])[] = [
  ['train --workers 0', /--workers: expected at least 1, received 0/],
  ['train --workers -1', /--workers: expected at least 1, received -1/],
  ['train --workers two', /--workers: expected a number, received "two"/],
  ['train --workers', /--workers needs a value/],
  ['train --workers 99999999999999999999', /--workers: expected at most 1024, received 99999999999999999999\n/],
  ['train --seed 1e400', /--seed: expected at most 4294967295, received 1e400\n/],
  ['train --run-dir=', /--run-dir needs a value\n/],
  ['train --batch-size 0', /--batch-size: expected at least 1, received 0/],
  ['train --shards 51', /--shards: more shards than samples in a batch: expected at most 50/],
  ['train --keep 0', /--keep: expected at least 1, received 0/],
  ['train --checkpoint-minutes -1', /--checkpoint-minutes: expected at least 0, received -1/],
  ['train --epochs 1e9x', /--epochs: expected a number, received "1e9x"/],
  ['train --learning-rate -0.1', /--learning-rate: expected more than 0, received -0.1/],
  ['train --schedule nope', /--schedule: expected one of constant, step, cosine, one-cycle/],
  ['train --label-smoothing 1', /--label-smoothing: expected less than 1, received 1/],
  ['train --epochs 5 --warmup 5', /--warmup: the learning rate would rise to the end of the run: expected less than 5/],
  [
    'train --resume DIR/warm --epochs 3',
    /--warmup: the learning rate would rise to the end of the run: expected less than 3/,
  ],
  ['train --schedule one-cycle --warmup 1', /--warmup: the one-cycle schedule rises by itself/],
  ['train --augment=yes', /--augment takes no value/],
  ['train --validation-split 1.5', /--validation-split: expected less than 1, received 1.5/],
  [
    'train --model nope',
    /--model: expected one of reference, vgg-bn, resnet20, mobilenet, or a file whose name ends in/,
  ],
  ['train --dataset synthetic --model DIR/none.ts', /--model: .*none.ts is not there/],
  ['train --dataset nope', /--dataset: expected one of cifar10, cifar100, synthetic/],
  ['train --epcohs 3', /has no flag --epcohs\n {2}Did you mean --epochs\?/],
  ['train extra', /does not take the argument extra/],
  ['tarin', /has no command tarin\n {2}Did you mean `train`\?/],
  ['train --config DIR/misspelt.json', /misspelt.json: batchsize is not a setting\n {2}Did you mean batchSize\?/],
  ['train --config DIR/torn.json', /torn.json is not JSON/],
  ['train --config DIR/list.json', /--config: .*list.json: expected an object, received an array/],
  ['train --config DIR/none.json', /none.json cannot be read/],
  ['train --run-dir DIR/file', /file is a file: expected a new folder, or one without a run/],
  ['train --run-dir DIR/file/run', /file.run cannot be created: a part of its path is a file\n {2}Choose another/],
  [
    'train --dataset synthetic --runs-dir DIR/file',
    /file\/\S+ cannot be created: a part of its path is a file\n {2}Choose another --run-dir or --runs-dir/,
  ],
  ['runs --runs-dir DIR/file', /file is a file: expected a folder of runs\n {2}Name another --runs-dir/],
  ['train --run-dir DIR/taken', /taken already holds a run/],
  ['train --listen 0.0.0.0:7999', /open to other machines and needs --token-file/],
  ['train --trace DIR', /^lockstep: --trace: .* is a folder: expected a file name\n {2}Name a file in it/],
  [
    'train --trace DIR/none/trace.json',
    /^lockstep: --trace: the folder .*none is not there: expected a file name\n {2}Make it/,
  ],
  ['train --trace DIR/file/trace.json', /^lockstep: --trace: .*file is a file: expected a file name\n/],
  ['train --audit 1.5', /--audit: expected at most 1, received 1.5/],
  [
    'train --audit 0.1 --topology direct',
    /gradients that are exchanged among workers cannot be audited: expected --topology star, or auto, with --audit/,
  ],
  ['train --listen nowhere', /--listen: expected HOST:PORT/],
  [
    'train --listen nohost.invalid:0 --token-file DIR/token',
    /^lockstep: --listen: nohost.invalid cannot be resolved: expected a name or address of this machine, received /,
  ],
  [
    'train --token-file DIR/short',
    /short holds no usable token: expected 16 to 1024 characters, received 5 characters/,
  ],
  ['train --token-file DIR/none', /--token-file: .*none cannot be read: received ENOENT/],
  ['train --tls-cert DIR/file', /--tls-cert and --tls-key go together/],
  ['train --resume nothing --runs-dir DIR', /there is no run "nothing"/],
  ['coordinator', /`coordinator` needs --token-file/],
  ['train --resume DIR/warm --run-dir DIR/other', /--run-dir names the folder of a new run.*received --run-dir /],
  ['evaluate DIR/nothing', /there is no/],
  [
    'evaluate',
    /`cli evaluate` needs RUN: expected folder or name of a run, or latest\n {2}See `pnpm cli evaluate --help`/,
  ],
  ['export latest', /`cli export` needs --format: expected one of saved-model, tfjs, safetensors\n/],
  ['data fetch --dataset synthetic', /--dataset: expected one of cifar10, cifar100, received synthetic\n/],
  ['worker', /`cli worker` needs --connect/],
  ['worker --connect ws://host', /--connect: expected ws:\/\/HOST:PORT or wss:\/\/HOST:PORT, received ws:\/\/host\n/],
  ['worker --connect wss://[::1]/path', /--connect: expected ws:\/\/HOST:PORT/],
  ['worker --connect http://host', /--connect: expected ws:\/\/HOST:PORT/],
  ['worker --connect ws://h:1 --peer-listen nowhere', /--peer-listen: expected HOST:PORT, received nowhere/],
  ['worker --connect ws://h:1 --workers all', /--workers: expected a whole number, or auto, received all/],
  ['worker --connect ws://h:1 --workers 0', /--workers: expected a whole number from 1 to 1024, received 0/],
  [
    'worker --connect ws://h:1 --workers 4 --peer-listen h:65533',
    /--peer-listen: expected a port up to 65532 for 4 workers, received h:65533/,
  ],
  ['worker --connect ws://h:1 --device gpu', /--device: expected cpu, received gpu/],
]

const warm = { ...exampleFacts.config, epochs: 9, warmup: 3 }

describe('the command line rejects', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-refusals-'))
    await writeFile(join(folder, 'file'), '')
    await writeFile(join(folder, 'short'), 'token')
    await writeFile(join(folder, 'token'), '0123456789abcdef')
    await writeFile(join(folder, 'misspelt.json'), '{"batchsize": 3}')
    await writeFile(join(folder, 'torn.json'), '{"batchSize": 3')
    await writeFile(join(folder, 'list.json'), '[]')
    await mkdir(join(folder, 'taken'))
    await writeFile(join(folder, 'taken', 'config.json'), '{}')
    await mkdir(join(folder, 'warm'))
    await writeFile(join(folder, 'warm', 'config.json'), JSON.stringify({ ...exampleFacts, config: warm }))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each(usageErrors)('`%s` in one line with exit code 2, and writes nothing', async (line, says) => {
    const before = await readdir(folder, { recursive: true })
    const args = line.replaceAll('DIR', folder).split(' ')
    const ended = await runCli(args)
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toMatch(/^lockstep: [^\n]+\n( {2}[^\n]+\n)?$/)
    expect(ended.stderr).toMatch(says)
    expect(await readdir(folder, { recursive: true })).toEqual(before)
  })

  test('a taken port with exit code 1, and creates no folder', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const place = join(folder, 'port')
    const flags = ['--dataset', 'synthetic', '--workers', '1', '--offline', '--run-dir', place]
    const ended = await runCli(['train', ...flags, '--listen', `127.0.0.1:${port}`])
    server.close()
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(`^lockstep: port ${port} on 127.0.0.1 is taken`),
    })
    expect(await readdir(folder)).not.toContain('port')
  })

  test('a worker without a coordinator with exit code 1, after visible retries', async () => {
    const ended = await runCli(['worker', '--connect', 'ws://127.0.0.1:1', '--wait', '1'])
    expect(ended.code).toBe(1)
    expect(ended.stdout).toMatch(/no answer from ws:\/\/127.0.0.1:1 .*; next try in 0\.\d s, giving up in 1 s/)
    expect(ended.stderr).toMatch(/^lockstep: no coordinator at ws:\/\/127.0.0.1:1 for 1 s/)
  })
})
