import { readFile } from 'node:fs/promises'
import { runConfigSchema } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { flagGroups } from '../src/flags/flag-groups.ts'
import { launchOptionsSchema } from '../src/flags/launch-options.ts'
import { kebabCase } from '../src/flags/schema-flags.ts'
import { runCli } from './support/cli.ts'

const commands = ['train', 'coordinator', 'worker', 'evaluate', 'predict', 'plot', 'runs', 'export', 'data', 'doctor']
const ofData = ['fetch', 'info', 'synthesize']
const groups = [
  ['cli', commands],
  ['cli data', ofData],
] as const
const runnable = [...commands.filter(name => name !== 'data'), ...ofData.map(name => `data ${name}`)]

async function help(line: string): Promise<string> {
  const ended = await runCli([...line.split(' ').slice(1), '--help'])
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout
}

describe('the help', () => {
  test.each(groups)('of `%s` names its commands and no others', async (line, names) => {
    const text = await help(line)
    expect(text).toContain(`\nUSAGE pnpm ${line} ${names.join('|')}\n`)
    expect([...text.matchAll(/^ {2,}([a-z-]+) {4}\S/gm)].map(([, name]) => name)).toEqual(names)
  })

  test.each(['cli', ...runnable.map(name => `cli ${name}`)])('of `%s` ends with examples', async line => {
    const [usage, examples] = (await help(line)).split('\nEXAMPLES\n\n')
    expect(usage).toContain(`\nUSAGE pnpm ${line} `)
    expect(usage).toMatch(/\S\n$/)
    expect(usage).not.toMatch(/ $/m)
    expect(examples).toMatch(/^( {2}\S.*\n)+\n$/)
    expect(examples).toContain(`  pnpm ${line}`)
  })

  test('of `cli train` has a flag for every setting', async () => {
    const text = await help('cli train')
    const flags = [...text.matchAll(/^ +--([a-z-]+)/gm)].map(([, name]) => name)
    const settings = Object.keys({ ...runConfigSchema.shape, ...launchOptionsSchema.shape })
    expect(flags.toSorted()).toEqual([...settings.map(kebabCase), 'config', 'resume'].toSorted())
  })

  test('of `cli train` shows every flag once, under the heading of its group', async () => {
    const sections = (await help('cli train')).split(/\n\n(?=[A-Z ]+\n\n)/).map(section => section.split('\n\n'))
    const groups = sections.map(([heading, text]) => [
      heading,
      [...(text ?? '').matchAll(/^ +--([a-z-]+)/gm)].map(([, name]) => name),
    ])
    expect(groups.slice(1, -1)).toEqual(Object.entries(flagGroups))
  })

  test('of `cli coordinator` marks the required flag', async () => {
    expect(await help('cli coordinator')).toMatch(/--token-file=<FILE> .* \(needed\)$/m)
  })

  test.each(['train', 'coordinator'])('of `cli %s` gives the default folders of data and run', async name => {
    const text = await help(`cli ${name}`)
    expect(text).toMatch(/--data-dir=<DIR> .* \(default: LOCKSTEP_DATA_DIR, then the cache, then a download\)$/m)
    expect(text).toMatch(/--run-dir=<DIR> .* \(default: a new one in --runs-dir\)$/m)
    expect(text).toMatch(/--resume=<RUN> .*: its folder or name, or latest$/m)
  })

  test('is shown with exit code 0 without arguments', async () => {
    expect(await runCli([])).toEqual({ code: 0, stdout: await help('cli'), stderr: '' })
  })

  test('is shown with exit code 2 if only a group of commands is given', async () => {
    expect(await runCli(['data'])).toEqual({ code: 2, stdout: await help('cli data'), stderr: '' })
  })
})

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})
