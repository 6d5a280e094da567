import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isAlive, localWorkersOf, readSummary, runCli, startCli, waitUntilGone } from '../support/cli.ts'
import { suspend } from '../support/suspend.ts'

const small = ['--dataset', 'synthetic', '--limit-train', '200', '--limit-test', '40', '--epochs', '2', '--offline']

describe('a training run', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-run-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('writes its folder, prints a line per epoch, and can be evaluated, listed and plotted', async () => {
    const place = join(folder, 'whole')
    const ended = await runCli(['train', ...small, '--workers', '2', '--run-dir', place])
    expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(/Total params: 258,762/)
    expect(ended.stdout.match(/^epoch [12]\/2 {3}loss \d/gm)).toHaveLength(2)
    expect(await readdir(place)).toEqual(
      expect.arrayContaining([
        'checkpoints',
        'config.json',
        'log.jsonl',
        'metrics.jsonl',
        'model',
        'plots',
        'summary.json',
      ]),
    )
    const summary = await readSummary(place)
    // 200 samples: 160 train in 4 batches of 50 (the last of 10), twice.
    expect(summary).toMatchObject({
      parameters: 258_762,
      trainSamples: 160,
      validationSamples: 40,
      steps: 8,
      shards: 2,
    })

    const report = await runCli(['evaluate', place, '--threads', '1', '--json', '--offline'])
    expect(report.code, report.stderr).toBe(0)
    expect(report.stderr).toContain('testing: 100 % · 40 of 40 images')
    const { loss, accuracy } = JSON.parse(report.stdout)
    expect(accuracy).toBe(summary.test!.accuracy)
    expect(loss).toBeCloseTo(summary.test!.loss, 5)
    const runs = await runCli(['runs', '--runs-dir', folder, '--json'])
    expect(JSON.parse(runs.stdout.split('\n')[0]!)).toMatchObject({ name: 'whole' })
    expect((await runCli(['plot', place])).stdout).toContain('validation-loss.svg')
  })

  test('writes only JSON lines with --json, the summary last', async () => {
    const place = join(folder, 'json')
    const ended = await runCli(['train', ...small, '--workers', '1', '--run-dir', place, '--json'])
    const lines = ended.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines.filter(line => line.type === 'epoch').map(line => line.epoch)).toEqual([1, 2])
    expect(lines.at(-1)).toEqual(await readSummary(place))
    expect(lines.some(line => line.type === 'step')).toBe(false)
    expect(ended.stderr).toContain('epoch 2/2')
  })

  test('writes every step with --json --log-steps, and keeps only the newest checkpoints with --keep', async () => {
    const place = join(folder, 'steps')
    const flags = ['--workers', '1', '--json', '--log-steps', '--checkpoint-every', '1', '--keep', '2']
    const ended = await runCli(['train', ...small, ...flags, '--run-dir', place])
    const told = ended.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    const steps = told.filter(line => line.type === 'step')
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    // 160 samples in batches of 50, the last of 10; counted from the start of the epoch.
    expect(steps.map(({ samples }) => samples)).toEqual([50, 100, 150, 160, 50, 100, 150, 160])
    const logged = (await readFile(join(place, 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(logged.filter(line => line.type === 'step').map(({ samples }) => samples)).toEqual([
      50, 50, 50, 10, 50, 50, 50, 10,
    ])
    expect((await readdir(join(place, 'checkpoints'))).sort()).toEqual(['step-000000007.ckpt', 'step-000000008.ckpt'])
  })

  test('reads its configuration from a file, which flags override', async () => {
    const file = join(folder, 'config.json')
    await writeFile(file, JSON.stringify({ batchSize: 20, epochs: 5, optimizer: 'sgd', learningRate: 0.01 }))
    const place = join(folder, 'configured')
    const ended = await runCli([
      'train',
      ...small,
      '--epochs',
      '1',
      '--config',
      file,
      '--workers',
      '1',
      '--run-dir',
      place,
    ])
    expect(ended.code, ended.stderr).toBe(0)
    const { config } = JSON.parse(await readFile(join(place, 'config.json'), 'utf8'))
    expect(config).toMatchObject({ batchSize: 20, epochs: 1, optimizer: 'sgd', learningRate: 0.01 })
  })

  test('stops early if the validation loss no longer falls', async () => {
    const place = join(folder, 'early')
    // Steps this small do not change a float32 weight of ordinary size: no epoch is better than the first.
    const still = ['--optimizer', 'sgd', '--momentum', '0', '--learning-rate', '1e-30', '--early-stopping', '2']
    const ended = await runCli(['train', ...small, ...still, '--epochs', '9', '--workers', '1', '--run-dir', place])
    expect(ended.code, ended.stderr).toBe(0)
    expect(await readSummary(place)).toMatchObject({ status: 'stopped early', epochs: 3, best: { epoch: 1 } })
  })

  test('ends with a clear message and a checkpoint if it diverges', async () => {
    const place = join(folder, 'diverged')
    const ended = await runCli(['train', ...small, '--learning-rate', '1e30', '--workers', '1', '--run-dir', place])
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/^lockstep: training has diverged/) })
    // One of the start and one of the end.
    expect(await readdir(join(place, 'checkpoints'))).toHaveLength(2)
  })

  test('completes if its plots cannot be written, and says why', async () => {
    const place = join(folder, 'plotless')
    await mkdir(place)
    await writeFile(join(place, 'plots'), '')
    const ended = await runCli(['train', ...small, '--epochs', '1', '--workers', '1', '--run-dir', place])
    expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(/^no plots: .*plots could not be written: .*\n {2}`pnpm cli plot .*` draws them\.$/m)
    expect(ended.stdout).not.toMatch(/^plots /m)
    expect(await readSummary(place)).toMatchObject({ status: 'completed', epochs: 1 })
  })

  test('leaves no process behind when it is killed', async () => {
    const cli = startCli(['train', ...small, '--epochs', '500', '--workers', '2', '--run-dir', join(folder, 'orphans')])
    await cli.printed(/2 active/)
    const workers = await localWorkersOf(cli.child)
    expect(workers).toHaveLength(2)
    expect(workers.every(isAlive)).toBe(true)
    cli.child.kill('SIGKILL')
    await cli.ending
    await waitUntilGone(workers)
  })

  test('sets the malloc thresholds of its workers unless the environment sets them', async () => {
    const args = ['train', ...small, '--epochs', '500', '--workers', '1', '--run-dir', join(folder, 'memory')]
    const cli = startCli(args, { MALLOC_TRIM_THRESHOLD_: '131072' })
    await cli.printed(/1 active/)
    const [worker] = await localWorkersOf(cli.child)
    const environment = (await readFile(`/proc/${worker}/environ`, 'utf8')).split('\0')
    cli.child.kill('SIGKILL')
    await cli.ending
    // 1 GiB, larger than any tensor.
    expect(environment).toContain('MALLOC_MMAP_THRESHOLD_=1073741824')
    expect(environment.filter(entry => entry.startsWith('MALLOC_TRIM'))).toEqual(['MALLOC_TRIM_THRESHOLD_=131072'])
    await waitUntilGone([worker!])
  })

  test('ends at once at the second Ctrl-C', async () => {
    const cli = startCli(['train', ...small, '--epochs', '500', '--workers', '2', '--run-dir', join(folder, 'twice')])
    await cli.printed(/2 active/)
    const workers = await localWorkersOf(cli.child)
    suspend(...workers)
    cli.child.kill('SIGINT')
    await cli.printed(/Ctrl-C again/)
    cli.child.kill('SIGINT')
    expect((await cli.ending).code).toBe(130)
    for (const id of workers) process.kill(id, 'SIGCONT')
    await waitUntilGone(workers)
  })
})
