import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  type ErrorDetails,
  isPreset,
  LockstepError,
  type RunConfig,
  reasonOf,
  runConfigSchema,
} from '@lockstep/protocol'
import { z } from 'zod'
import { nearest } from './check-arguments.ts'
import { type LaunchOptions, launchDefaults, launchOptionsSchema } from './launch-options.ts'
import { runConfigDefaults } from './run-config-defaults.ts'
import { givenFlags, kebabCase } from './schema-flags.ts'

/** The user's settings from flags and the `--config` file, with defaults for the launch options. */
export type Settings = {
  readonly launch: LaunchOptions
  /** Only the keys that were given. */
  readonly config: Partial<RunConfig>
}

const fileSchema = z.strictObject({
  ...runConfigSchema.partial().shape,
  ...launchOptionsSchema.partial().shape,
})

/**
 * Reads the settings: flags take precedence over the `--config` file, and both over defaults. Throws
 * `bad-configuration` with the flag or key that is wrong.
 */
export async function readSettings(
  args: Readonly<Record<string, unknown>>,
  defaults: LaunchOptions = launchDefaults,
): Promise<Settings> {
  const shape = fileSchema.shape
  const fromFile = args.config === undefined ? {} : await readConfigFile(String(args.config))
  const fromFlags = check(givenFlags(shape, args), {
    nameOf: key => `--${kebabCase(key)}`,
    numberOf: key => String(args[kebabCase(key)]),
  })
  const settings = { ...fromFile, ...fromFlags }
  if (args.resume === undefined && fromFlags.momentum !== undefined) refuseIdleMomentum(settings)
  const launch: Partial<LaunchOptions> = pick(settings, launchOptionsSchema.shape)
  const config: Partial<RunConfig> = pick(settings, runConfigSchema.shape)
  return { launch: { ...defaults, ...launch }, config: locateModel(config) }
}

/** Refuses the flag `--momentum` with another optimizer. In a file it is allowed, for runs with `--optimizer sgd`. */
function refuseIdleMomentum({ optimizer = runConfigDefaults.optimizer }: Partial<RunConfig>): void {
  if (optimizer === 'sgd') return
  throw bad(`--momentum: the optimizer ${optimizer} takes none`, { hint: 'Leave it out, or use --optimizer sgd.' })
}

/** Makes the path of a model file absolute, so that the run can be resumed from any folder. */
function locateModel(config: Partial<RunConfig>): Partial<RunConfig> {
  const { model } = config
  return model === undefined || isPreset(model) ? config : { ...config, model: resolve(model) }
}

async function readConfigFile(path: string): Promise<z.infer<typeof fileSchema>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw bad(`--config: ${path} cannot be read`, { received: reasonOf(cause), cause })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw bad(`--config: ${path} is not JSON`, { received: reasonOf(cause), cause })
  }
  if (kindOf(value) !== 'an object') throw bad(`--config: ${path}`, { expected: 'an object', received: kindOf(value) })
  return check(value, { nameOf: key => `${path}: ${key}`, numberOf: (_, number) => String(number) })
}

/** How the names and numbers of settings are written where they were given: as flags or in a file. */
type Source = {
  readonly nameOf: (key: string) => string
  readonly numberOf: (key: string, number: number) => string
}

function check(value: unknown, { nameOf, numberOf }: Source): z.infer<typeof fileSchema> {
  const parsed = fileSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const near = nearest(key, Object.keys(fileSchema.shape))
    throw bad(`${nameOf(key)} is not a setting`, near === null ? {} : { hint: `Did you mean ${near}?` })
  }
  const key = String(issue.path[0] ?? '')
  const received = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : value
  throw bad(nameOf(key), {
    expected: expectationOf(key, received, issue),
    received: typeof received === 'number' ? numberOf(key, received) : JSON.stringify(received),
  })
}

/**
 * The schema's own bound. For a number beyond the safe integers zod names the last safe integer, or none, instead of
 * this bound. Validating that last safe integer gives the bound.
 */
function expectationOf(key: string, received: unknown, issue: z.core.$ZodIssue): string {
  if (typeof received !== 'number' || Math.abs(received) <= Number.MAX_SAFE_INTEGER) return expectation(issue)
  const schema = fileSchema.shape[key as keyof typeof fileSchema.shape]
  const { error } = schema.safeParse(Math.sign(received) * Number.MAX_SAFE_INTEGER)
  if (error !== undefined) return expectation(error.issues[0]!)
  return Number.isFinite(received) ? expectation(issue) : 'a finite number'
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** What the schema expects, from its issue: `at least 1`. */
function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `one of ${issue.values.join(', ')}`
  if (issue.code === 'too_small') return `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
  if (issue.code === 'too_big') return `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`
  if (issue.code === 'invalid_type') return `${issue.expected === 'int' ? 'a whole number' : `a ${issue.expected}`}`
  return issue.message.replace(/^expected /, '')
}

function pick<T>(settings: Readonly<Record<string, unknown>>, shape: object): T {
  const known = Object.entries(settings).filter(([key, value]) => key in shape && value !== undefined)
  return Object.fromEntries(known) as T
}

function bad(message: string, details: ErrorDetails): LockstepError {
  return new LockstepError('bad-configuration', message, { kind: 'usage', ...details })
}
