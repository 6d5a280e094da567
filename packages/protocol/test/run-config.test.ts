import { describe, expect, test } from 'vitest'
import { isPreset, modelTitle, runConfigSchema, savedRunConfigSchema } from '../src/run-config.ts'
import { exampleRunConfig } from '../src/testing/example-run-config.ts'

const accepts = (model: string) => runConfigSchema.safeParse({ ...exampleRunConfig, model }).success

describe('the --model of a run', () => {
  test.each([
    'reference',
    'vgg-bn',
    'resnet20',
    'mobilenet',
    'net.ts',
    'a folder/net.mts',
    '/models/net.js',
    '../net.mjs',
  ])('can be %s', model => {
    expect(accepts(model)).toBe(true)
  })

  test.each(['', 'vgg', 'Reference', 'net.py', 'net.cjs', '.ts', 'models/', `${'x'.repeat(4096)}.ts`])(
    'cannot be %j',
    model => {
      expect(accepts(model)).toBe(false)
    },
  )

  test('if unknown is refused with the possible values', () => {
    const { error } = runConfigSchema.safeParse({ ...exampleRunConfig, model: 'vgg' })
    expect(error?.issues).toMatchObject([
      {
        path: ['model'],
        message:
          'expected one of reference, vgg-bn, resnet20, mobilenet, or a file whose name ends in .ts, .mts, .js, .mjs',
      },
    ])
  })

  test('has the name of its file or preset as its title', () => {
    expect(['vgg-bn', '/models/wide-net.ts', 'net.v2.mjs'].map(modelTitle)).toEqual(['vgg-bn', 'wide-net', 'net.v2'])
    expect(['vgg-bn', 'vgg-bn.ts'].map(isPreset)).toEqual([true, false])
  })
})

test.each([
  ['momentum', [0, 0.999], [-0.001, 1]],
  ['labelSmoothing', [0, 0.999], [-0.001, 1]],
  ['validationSplit', [0, 0.999], [-0.001, 1]],
  ['learningRate', [Number.MIN_VALUE, 1e9], [0, -1, Number.POSITIVE_INFINITY]],
  ['weightDecay', [0, 1e9], [-0.001, Number.POSITIVE_INFINITY]],
  ['seed', [0, 2 ** 32 - 1], [-1, 0.5, 2 ** 32]],
  ['epochs', [1, 1_000_000], [0, 1.5, 1_000_001]],
] as const)('%s is accepted only within its bounds', (key, taken, refused) => {
  const isTaken = (value: number) => runConfigSchema.safeParse({ ...exampleRunConfig, [key]: value }).success
  expect(taken.filter(value => !isTaken(value))).toEqual([])
  expect(refused.filter(isTaken)).toEqual([])
})

test('a saved configuration without `compress` is read as uncompressed', () => {
  const { compress: _, ...saved } = exampleRunConfig
  expect(savedRunConfigSchema.parse(saved)).toEqual({ ...exampleRunConfig, compress: 'none' })
  expect(savedRunConfigSchema.parse({ ...saved, compress: 'bfloat16' }).compress).toBe('bfloat16')
  expect(runConfigSchema.safeParse(saved).success).toBe(false)
})
