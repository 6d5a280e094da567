import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

type Mutation = { readonly name: string; readonly file: string; readonly from: string; readonly to: string }

const root = new URL('../../../', import.meta.url)
const { mutations }: { readonly mutations: readonly Mutation[] } = await import(
  new URL('bench/simulate/mutations.mjs', root).href
)

test.each(mutations)('the deliberate bug fits the source at one place: $name', async ({ file, from, to }) => {
  const parts = (await readFile(new URL(`packages/${file}`, root), 'utf8')).split(from)
  expect(parts).toHaveLength(2)
  expect(to).not.toBe(from)
})
