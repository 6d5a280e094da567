import type { ArgsDef } from 'citty'
import type { z } from 'zod'

type Shape = Readonly<Record<string, z.ZodType>>

/** Creates a flag for every key of a schema, with the schema's description and the default. */
export function flagsOf(shape: Shape, defaults: Readonly<Record<string, unknown>>): ArgsDef {
  return Object.fromEntries(
    Object.entries(shape).map(([key, schema]) => {
      const base = baseType(schema)
      const note = describeDefault(defaults[key])
      const description = `${schema.description ?? ''}${describeChoices(base)}${note}`
      if (base.def.type === 'boolean') return [kebabCase(key), { type: 'boolean' as const, description }]
      return [kebabCase(key), { type: 'string' as const, description, valueHint: hintFor(key, base) }]
    }),
  )
}

/** The given flags by schema key. A text becomes a number if the schema expects one and it is written as one. */
export function givenFlags(shape: Shape, args: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const [key, schema] of Object.entries(shape)) {
    const value = args[kebabCase(key)]
    if (value === undefined) continue
    given[key] = baseType(schema).def.type === 'number' ? asNumber(String(value)) : value
  }
  return given
}

export function kebabCase(key: string): string {
  return key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** The number if the text is one as people write it; otherwise the text, which the schema will refuse. */
function asNumber(text: string): number | string {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text
}

function baseType(schema: z.ZodType): z.ZodType {
  const wrapped = schema.def.type === 'nullable' || schema.def.type === 'optional'
  return wrapped ? baseType((schema as z.ZodNullable<z.ZodType>).unwrap()) : schema
}

function describeChoices(schema: z.ZodType): string {
  return schema.def.type === 'enum' ? `: ${(schema as z.ZodEnum).options.join(', ')}` : ''
}

function describeDefault(value: unknown): string {
  return value === undefined || value === null || value === false ? '' : ` (default: ${value})`
}

function hintFor(key: string, schema: z.ZodType): string {
  if (schema.def.type === 'enum') return 'NAME'
  if (schema.def.type === 'number') return schema.safeParse(0.5).success ? 'X' : 'N'
  if (/dir$/i.test(key)) return 'DIR'
  if (key === 'model') return 'NAME|FILE'
  return key === 'listen' ? 'HOST:PORT' : 'FILE'
}
