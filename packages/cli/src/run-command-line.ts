import { createRequire } from 'node:module'
import { stripVTControlCharacters } from 'node:util'
import { describeError, LockstepError } from '@lockstep/protocol'
import { type ArgsDef, type CommandDef, renderUsage, runCommand } from 'citty'
import { exitCodes } from './exit-codes.ts'
import { checkArguments, helpHint, nearest } from './flags/check-arguments.ts'
import { groupOptions } from './flags/flag-groups.ts'
import { commandsWithGroups, examples, rootCommand } from './root-command.ts'

// biome-ignore lint/suspicious/noExplicitAny: citty types a command by its own arguments
type AnyCommand = CommandDef<any>

type Found = {
  readonly command: AnyCommand
  /** The words that led there: `['data', 'fetch']`. */
  readonly path: readonly string[]
  readonly rest: readonly string[]
}

/** Runs a command line and returns the exit code. Prints a LockstepError; any other error is a bug and is thrown. */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  try {
    if (words[0] === '--version' || words[0] === '-v') return showVersion()
    const found = await findCommand(words)
    if (asksForHelp(found, words)) return await showHelp(found)
    checkArguments(await argumentsOf(found.command), found.rest, ['cli', ...found.path].join(' '))
    const { result } = await runCommand(found.command, { rawArgs: [...found.rest] })
    return typeof result === 'number' ? result : exitCodes.done
  } catch (error) {
    return report(error)
  }
}

async function findCommand(words: readonly string[]): Promise<Found> {
  let found: Found = { command: rootCommand, path: [], rest: words }
  for (;;) {
    const children = (await resolve(found.command.subCommands)) ?? {}
    const word = found.rest[0]
    if (Object.keys(children).length === 0 || word === undefined || word.startsWith('-')) return found
    if (!Object.hasOwn(children, word)) throw unknownCommand(word, Object.keys(children), found.path)
    const command = (await resolve(children[word])) as AnyCommand
    found = { command, path: [...found.path, word], rest: found.rest.slice(1) }
  }
}

/** Whether to show the help: for its flag, or if the command line names only a group of commands. */
function asksForHelp({ command }: Found, words: readonly string[]): boolean {
  return words.includes('--help') || words.includes('-h') || command.run === undefined
}

async function showHelp({ command, path, rest }: Found): Promise<number> {
  const lines = (examples[path.join(' ')] ?? []).map(line => `  ${line}`)
  const footer = lines.length === 0 ? '' : `EXAMPLES\n\n${lines.join('\n')}\n\n`
  const above = ['pnpm cli', ...path.slice(0, -1)].join(' ')
  const usage = await renderUsage(command, path.length === 0 ? undefined : { meta: { name: above } })
  const whole = commandsWithGroups.includes(path.join(' ')) ? groupOptions(usage) : usage
  const text = process.stdout.isTTY ? whole : stripVTControlCharacters(whole).replace(/ +$/gm, '')
  process.stdout.write(`${text.trimEnd()}\n\n${footer}`)
  const asked = rest.includes('--help') || rest.includes('-h') || path.length === 0
  return asked ? exitCodes.done : exitCodes.usage
}

function showVersion(): number {
  const { version } = createRequire(import.meta.url)('../package.json')
  process.stdout.write(`${version}\n`)
  return exitCodes.done
}

function report(error: unknown): number {
  if (error instanceof LockstepError) {
    process.stderr.write(`lockstep: ${describeError(error)}\n`)
    if (error.code === 'interrupted') return exitCodes.interrupted
    return error.kind === 'usage' ? exitCodes.usage : exitCodes.failed
  }
  // citty's own errors have colours on any stream.
  if (error instanceof Error && error.name === 'CLIError') {
    process.stderr.write(`lockstep: ${stripVTControlCharacters(error.message)}\n`)
    return exitCodes.usage
  }
  throw error
}

function unknownCommand(word: string, known: readonly string[], path: readonly string[]): LockstepError {
  const near = nearest(word, known)
  const parent = ['cli', ...path].join(' ')
  const hint = near === null ? helpHint(parent) : `Did you mean \`${near}\`? ${helpHint(parent)}`
  return new LockstepError('unknown-command', `\`${parent}\` has no command ${word}`, { kind: 'usage', hint })
}

async function argumentsOf(command: AnyCommand): Promise<ArgsDef> {
  return (await resolve(command.args)) ?? {}
}

// biome-ignore lint/suspicious/noExplicitAny: a value, a promise of it, or a function that gives either
async function resolve(value: any): Promise<any> {
  return typeof value === 'function' ? value() : value
}
