import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSummary, runCli } from '../support/cli.ts'

const example = fileURLToPath(new URL('../../../../examples/models/wide-net.ts', import.meta.url))
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

  test('is trained, resumed and tested like any other, and needed no more when the run is done', async () => {
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
    const resumed = await runIn(parts, ['train', '--resume', run, '--epochs', '2', '--workers', '2', '--offline'])
    expect(resumed.summary.weightsSha256).toBe(undisturbed.summary.weightsSha256)
    expect(await readFile(join(run, 'plots', 'loss.svg'), 'utf8')).toContain('wide-net on the synthetic set')

    await rename(file, `${file}.away`)
    const report = await runCli(['evaluate', run, '--threads', '1', '--json', '--offline'])
    expect(JSON.parse(report.stdout).accuracy).toBe(resumed.summary.test!.accuracy)
    const gone = await runCli(['train', '--resume', run, '--epochs', '3', '--offline'])
    expect(gone).toMatchObject({ code: 2, stderr: `lockstep: --model: ${file} is not there\n` })
    await rename(`${file}.away`, file)
  })

  test('is not resumed when the file has come to say something else', async () => {
    const runs = join(folder, 'changed')
    const changing = join(folder, 'changing.ts')
    await copyFile(example, changing)
    const train = ['train', ...small, '--model', changing, '--epochs', '1', '--workers', '1', '--runs-dir', runs]
    const { run } = await runIn(runs, train)
    await writeFile(changing, (await readFile(example, 'utf8')).replace('filters: 96', 'filters: 95'))
    const ended = await runCli(['train', '--resume', run, '--epochs', '2', '--offline'])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(/the run to resume was trained with another parameter layout/)
  })

  test('that cannot be trained is refused before anything is written', async () => {
    const broken = join(folder, 'broken.mjs')
    await writeFile(broken, "export default ({ tf }) => tf.layers.dense({ units: 10, activation: 'softmax' })")
    const runs = join(folder, 'none')
    const ended = await runCli(['train', ...small, '--model', broken, '--runs-dir', runs])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toMatch(/does not return a model: expected a tf.LayersModel, received Dense/)
    expect((await runCli(['runs', '--runs-dir', runs])).stdout).toMatch(/no runs/i)
  })
})
