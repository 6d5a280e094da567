import { type ErrorDetails, LockstepError } from '@lockstep/protocol'
import type { ArgsDef } from 'citty'
import { distance } from 'fastest-levenshtein'

type Given = {
  readonly positionals: readonly string[]
  readonly flags: readonly (readonly [name: string, value: string | null])[]
}

/**
 * Refuses invalid command lines that citty accepts: unknown flags, surplus or empty arguments, and missing choices.
 * Positional arguments whose hint ends in `…` may be repeated.
 */
export function checkArguments(args: ArgsDef, words: readonly string[], command: string): void {
  const given = readGiven(args, words, command)
  refuseSurplus(args, given, command)
  refuseMissing(args, given, command)
  refuseEmpty(args, given, command)
  for (const [name, value] of given.flags) refuseOtherChoice(args, name, value, command)
}

function readGiven(args: ArgsDef, words: readonly string[], command: string): Given {
  const positionals: string[] = []
  const flags: [string, string | null][] = []
  for (let i = 0; i < words.length; i++) {
    const token = words[i]!
    if (token === '--') {
      positionals.push(...words.slice(i + 1))
      break
    }
    if (!isFlag(token)) {
      positionals.push(token)
      continue
    }
    const [name, attached] = splitFlag(token)
    const flag = findFlag(args, name)
    if (flag === null) throw unknownFlag(args, token, command)
    if (!flag.takesValue && attached !== null)
      throw usage('surplus-value', `--${flag.name} takes no value`, { received: attached })
    flags.push([flag.name, flag.takesValue && attached === null ? valueAt(words, ++i, flag.name) : attached])
  }
  return { positionals, flags }
}

function valueAt(words: readonly string[], index: number, flag: string): string {
  const value = words[index]
  if (value === undefined || value.startsWith('--')) throw usage('missing-value', `--${flag} needs a value`)
  return value
}

function refuseSurplus(args: ArgsDef, { positionals }: Given, command: string): void {
  const allowed = Object.values(args).filter(arg => arg.type === 'positional')
  const repeats = allowed.some(arg => arg.valueHint?.endsWith('…'))
  if (positionals.length <= allowed.length || repeats) return
  throw usage('surplus-argument', `\`${command}\` does not take the argument ${positionals.at(-1)}`, {
    hint: helpHint(command),
  })
}

function refuseMissing(args: ArgsDef, { positionals, flags }: Given, command: string): void {
  let place = 0
  for (const [name, arg] of Object.entries(args)) {
    const isPositional = arg.type === 'positional'
    const isThere = isPositional ? place++ < positionals.length : flags.some(([given]) => given === name)
    if (isThere || arg.required !== true) continue
    throw usage('missing-argument', `\`${command}\` needs ${isPositional ? arg.valueHint : `--${name}`}`, {
      expected: arg.type === 'enum' ? choicesOf(arg.options) : arg.description,
      hint: helpHint(command),
    })
  }
}

/** An empty text, such as an unset shell variable, would mean the current folder, or any run. */
function refuseEmpty(args: ArgsDef, { positionals, flags }: Given, command: string): void {
  for (const [name, value] of flags) {
    if (value === '' && args[name]?.type === 'string') throw usage('missing-value', `--${name} needs a value`)
  }
  if (!positionals.includes('')) return
  throw usage('missing-value', `\`${command}\` does not take an empty argument`, { hint: helpHint(command) })
}

function refuseOtherChoice(args: ArgsDef, name: string, value: string | null, command: string): void {
  const arg = args[name]
  if (arg?.type !== 'enum' || value === null || arg.options?.includes(value) === true) return
  throw usage('bad-configuration', `--${name}`, {
    expected: choicesOf(arg.options),
    received: value,
    hint: helpHint(command),
  })
}

function choicesOf(options: readonly string[] = []): string {
  return `one of ${options.join(', ')}`
}

/** The only known name that a short one can mean, or the one nearest to a mistyped name, if any is near. */
export function nearest(name: string, known: readonly string[]): string | null {
  const meant = known.filter(candidate => isShortFor(name, candidate))
  if (meant.length === 1) return meant[0]!
  const ranked = known.map(candidate => ({ candidate, edits: distance(name, candidate) }))
  ranked.sort((a, b) => a.edits - b.edits)
  const best = ranked[0]
  return best !== undefined && best.edits <= Math.max(2, name.length / 3) ? best.candidate : null
}

/** `batch`, `size` and `bs` are short for `batch-size`. */
function isShortFor(short: string, name: string): boolean {
  const initials = name.replace(/([a-z])[a-z]*-?/g, '$1')
  return name.startsWith(`${short}-`) || name.endsWith(`-${short}`) || (short.length > 1 && short === initials)
}

export function helpHint(command: string): string {
  return `See \`pnpm ${command} --help\`.`
}

function isFlag(token: string): boolean {
  return /^--?[a-zA-Z]/.test(token)
}

function splitFlag(token: string): readonly [name: string, value: string | null] {
  const bare = token.replace(/^--?/, '')
  const at = bare.indexOf('=')
  return at < 0 ? [bare, null] : [bare.slice(0, at), bare.slice(at + 1)]
}

function findFlag(args: ArgsDef, name: string): { readonly name: string; readonly takesValue: boolean } | null {
  for (const [key, arg] of Object.entries(args)) {
    if (arg.type === 'positional') continue
    const takesValue = arg.type !== 'boolean'
    if (name === key || (!takesValue && name === `no-${key}`)) return { name: key, takesValue }
  }
  return null
}

function unknownFlag(args: ArgsDef, token: string, command: string): LockstepError {
  const [name] = splitFlag(token)
  const flags = Object.entries(args).filter(([, arg]) => arg.type !== 'positional')
  const near = nearest(
    name,
    flags.map(([key]) => key),
  )
  const hint = near === null ? helpHint(command) : `Did you mean --${near}? ${helpHint(command)}`
  return usage('unknown-flag', `\`${command}\` has no flag ${token.replace(/=.*/s, '')}`, { hint })
}

function usage(code: string, message: string, details: ErrorDetails = {}): LockstepError {
  return new LockstepError(code, message, { kind: 'usage', ...details })
}
