import { LockstepError } from '@lockstep/protocol'
import type { ArgsDef } from 'citty'
import { distance } from 'fastest-levenshtein'

/**
 * Refuses what a command does not know: citty lets unknown flags and surplus arguments pass. Positional arguments whose
 * hint ends in `…` may be repeated.
 */
export function checkArguments(args: ArgsDef, given: readonly string[], command: string): void {
  const positionals: string[] = []
  for (let i = 0; i < given.length; i++) {
    const token = given[i]!
    if (!isFlag(token)) {
      positionals.push(token)
      continue
    }
    const [name, value] = splitFlag(token)
    const flag = findFlag(args, name)
    if (flag === null) throw unknownFlag(args, name, command)
    if (flag.takesValue && value === null) {
      i += 1
      if (i >= given.length || given[i]!.startsWith('--')) throw usage('missing-value', `--${flag.name} needs a value`)
    }
    if (!flag.takesValue && value !== null)
      throw usage('surplus-value', `--${flag.name} takes no value`, { received: value })
  }
  const allowed = Object.values(args).filter(arg => arg.type === 'positional')
  const repeats = allowed.some(arg => arg.valueHint?.endsWith('…'))
  if (positionals.length <= allowed.length || repeats) return
  throw usage('surplus-argument', `\`${command}\` does not take the argument ${positionals.at(-1)}`, {
    hint: helpHint(command),
  })
}

/** The known name nearest to a mistyped one, if any is near. */
export function nearest(name: string, known: readonly string[]): string | null {
  const ranked = known.map(candidate => ({ candidate, edits: distance(name, candidate) }))
  ranked.sort((a, b) => a.edits - b.edits)
  const best = ranked[0]
  return best !== undefined && best.edits <= Math.max(2, name.length / 3) ? best.candidate : null
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
    const aliases = 'alias' in arg && arg.alias !== undefined ? [arg.alias].flat() : []
    const names = takesValue ? [key, ...aliases] : [key, `no-${key}`, ...aliases]
    if (names.includes(name)) return { name: key, takesValue }
  }
  return null
}

function unknownFlag(args: ArgsDef, name: string, command: string): LockstepError {
  const flags = Object.entries(args).filter(([, arg]) => arg.type !== 'positional')
  const near = nearest(
    name,
    flags.map(([key]) => key),
  )
  const hint = near === null ? helpHint(command) : `Did you mean --${near}? ${helpHint(command)}`
  return usage('unknown-flag', `\`${command}\` has no flag --${name}`, { hint })
}

function usage(code: string, message: string, details: { hint?: string; received?: string } = {}): LockstepError {
  return new LockstepError(code, message, { kind: 'usage', ...details })
}
