// The flags of a benchmark and its --help.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'

/**
 * Reads the benchmark's flags by name; `--help` prints them and ends the process. Each entry of `flags` has:
 *
 * - `help`, its description
 * - `value`, the placeholder of its value; a flag without it is a switch
 * - `usual`, its default; if the default is not known beforehand, `help` describes it
 * - `shown`, the default as `--help` shows it; by default `usual`
 * - `least`, the lower limit of a number; a flag is a number if its default is one, or if its `value` is N
 * - `of`, the allowed names; with the `value` LIST the flag is a comma-separated list of them
 */
export function readFlags(flags, { notes = '' } = {}) {
  const own = Object.entries(flags)
  const options = own.map(([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }])
  const help = { type: 'boolean' }
  const { values } = orLeave(() => parseArgs({ options: { ...Object.fromEntries(options), help } }))
  if (values.help) {
    process.stdout.write(describe(own, notes))
    process.exit()
  }
  return Object.fromEntries(own.map(([name, flag]) => [name, orLeave(() => convert(name, flag, values[name]))]))
}

/** What a benchmark measures: the first line of its file. `--help` and `pnpm bench` print it. */
export function firstLineOf(file) {
  return readFileSync(file, 'utf8').split('\n')[0].replace('// ', '')
}

function convert(name, { value, usual, of, least = Number.NEGATIVE_INFINITY }, given) {
  if (value === undefined) return given === true
  if (given === undefined) return usual
  if (of !== undefined) expectNames(name, value === 'LIST' ? given.split(',') : [given], of)
  if (typeof usual !== 'number' && value !== 'N') return given
  const number = Number(given)
  if (given === '' || !Number.isFinite(number)) throw new TypeError(`--${name}: expected a number, got '${given}'`)
  if (number < least) throw new TypeError(`--${name}: expected at least ${least}, got '${given}'`)
  return number
}

function expectNames(flag, given, names) {
  const unknown = given.find(name => !names.includes(name))
  if (unknown !== undefined) throw new TypeError(`--${flag}: expected one of ${names.join(', ')}, got '${unknown}'`)
}

function describe(flags, notes) {
  const left = flags.map(([name, { value }]) => `--${name}${value === undefined ? '' : ` ${value}`}`)
  const width = Math.max(...left.map(({ length }) => length)) + 2
  const lines = flags.map(([, { help, of, usual, shown = usual }], index) => {
    const names = of === undefined ? '' : `: ${of.join(', ')}`
    const end = shown === undefined ? '' : ` (${shown})`
    return `  ${left[index].padEnd(width)}${help}${names}${end}\n`
  })
  const file = process.argv[1]
  const usage = `pnpm bench ${basename(file, '.mjs')}${flags.length === 0 ? '' : ' [flags]'}`
  const parts = [`${usage}\n`, `${firstLineOf(file)}\n`, lines.join(''), notes === '' ? '' : `${notes}\n`]
  return parts.filter(part => part !== '').join('\n')
}

/** Ends the process if the flags are invalid. */
function orLeave(read) {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    process.stderr.write(`${error.message}\nTry --help.\n`)
    process.exit(2)
  }
}
