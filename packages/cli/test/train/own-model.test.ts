import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSummary, runCli } from '../support/cli.ts'

const example = fileURLToPath(new URL('../../../../examples/models/wide-net.ts', import.meta.url))
const uncompilable = fileURLToPath(new URL('../support/uncompilable-model.mjs', import.meta.url))
const small = ['--dataset', 'synthetic', '--limit-train', '200', '--limit-test', '40', '--shards', '2', '--offline']

describe('a model from a file', () => {
  let folder = ''
  let file = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-own-model-'))
    file = join(folder, 'wide-net.ts')
    await copyFile(example, file)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function runIn(runsDir: string, args: readonly string[]) {
    const ended = await runCli([...args, '--json'])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    const listed = JSON.parse((await runCli(['runs', '--runs-dir', runsDir, '--json'])).stdout)
    return { run: listed.folder as string, listed, summary: await readSummary(listed.folder) }
  }

  async function resume(run: string, workers: number): Promise<void> {
    const ended = await runCli(['train', '--resume', run, '--epochs', '2', '--workers', `${workers}`, '--offline'])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
  }

  test('is resumed and evaluated as it was at the start, even if its file has been edited or removed', async () => {
    const [whole, parts] = [join(folder, 'whole'), join(folder, 'parts')]
    const train = ['train', ...small, '--model', relative(process.cwd(), file)]
    const undisturbed = await runIn(whole, [...train, '--epochs', '2', '--workers', '1', '--runs-dir', whole])
    // wide 5·5·3·96 + 96, norm 4·96, classes 384·10 + 10.
    expect(undisturbed.summary).toMatchObject({ model: file, parameters: 7296 + 384 + 3850 })
    expect(undisturbed.listed).toMatchObject({
      model: 'wide-net',
      run: expect.stringMatching(/-wide-net-synthetic$/),
    })

    const { run } = await runIn(parts, [...train, '--epochs', '1', '--workers', '2', '--runs-dir', parts])
    const copy = join(folder, 'copy')
    await cp(run, copy, { recursive: true })

    await writeFile(file, (await readFile(example, 'utf8')).replace('rate: 0.1', 'rate: 0.5'))
    await resume(run, 2)
    const summary = await readSummary(run)
    expect(summary).toMatchObject({ model: file, weightsSha256: undisturbed.summary.weightsSha256 })
    expect(await readFile(join(run, 'plots', 'loss.svg'), 'utf8')).toContain('wide-net on the synthetic set')

    await rm(file)
    await resume(copy, 1)
    expect((await readSummary(copy)).weightsSha256).toBe(undisturbed.summary.weightsSha256)
    // As after a kill: without the final model there is only the checkpoint.
    await rm(join(copy, 'model'), { recursive: true })
    const report = await runCli(['evaluate', copy, '--threads', '1', '--json', '--offline'])
    expect(JSON.parse(report.stdout).accuracy).toBe(summary.test!.accuracy)
  })

  test('that cannot be trained is rejected before anything is written', async () => {
    const broken = join(folder, 'broken.mjs')
    await writeFile(broken, "export default ({ tf }) => tf.layers.dense({ units: 10, activation: 'softmax' })")
    const runs = join(folder, 'none')
    const ended = await runCli(['train', ...small, '--model', broken, '--runs-dir', runs])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toMatch(/does not return a model: expected a tf.LayersModel, received Dense/)
    expect((await runCli(['runs', '--runs-dir', runs])).stdout).toMatch(/no runs/i)
  })

  test.each([
    ['', []],
    [' under supervision', ['--supervise']],
  ])('that cannot be compiled ends the run at once with a hint%s', async (_, flags) => {
    const place = join(folder, `words${flags.length}`)
    const ended = await runCli([
      'train',
      ...small,
      '--model',
      uncompilable,
      '--workers',
      '2',
      '--run-dir',
      place,
      ...flags,
    ])
    const message =
      /^lockstep: the computation failed: layer words reads the value of a tensor .*\n {2}Use --engine eager/m
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(message) })
    expect(ended.stdout).not.toContain('restarting it')
    expect(ended.stderr).not.toContain('restarting it')
  })
})
