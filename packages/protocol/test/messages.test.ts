import { describe, expect, test } from 'vitest'
import { messageSchemas, messageTensors } from '../src/messages.ts'
import { exampleRunConfig as config } from '../src/testing/example-run-config.ts'
import { examples, messageTypes } from './support/messages.ts'

const accepts = (type: keyof typeof messageSchemas, fields: unknown) => messageSchemas[type].safeParse(fields).success

describe('the schema of a message', () => {
  test.each(messageTypes)('accepts a valid %s message', type => {
    expect(messageSchemas[type].parse(examples[type])).toEqual(examples[type])
  })

  test.each(messageTypes.filter(type => type !== 'hello'))('refuses a %s message with an additional field', type => {
    expect(accepts(type, { ...examples[type], extra: 1 })).toBe(false)
  })

  test('ignores additional fields of a hello of another version', () => {
    expect(messageSchemas.hello.parse({ ...examples.hello, protocol: 5, extra: 1 })).toEqual({
      ...examples.hello,
      protocol: 5,
    })
  })

  test.each(messageTypes)('refuses a %s message that lacks any of its fields', type => {
    for (const field of Object.keys(examples[type])) {
      const { [field]: _, ...rest } = examples[type] as Record<string, unknown>
      expect(accepts(type, rest), field).toBe(false)
    }
  })

  test('accepts losses that have diverged', () => {
    for (const lossSum of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(accepts('gradient', { ...examples.gradient, lossSum })).toBe(true)
    }
  })

  test.each([
    ['hello', { token: 'x'.repeat(1025) }],
    ['hello', { name: 'x'.repeat(257) }],
    ['ready', { layoutHash: 'AB'.repeat(32) }],
    ['welcome', { config: { ...config, batchSize: 0 } }],
    ['welcome', { config: { ...config, colour: 'red' } }],
    ['work', { count: 0 }],
    ['work', { step: -1 }],
    ['work', { step: 0.5 }],
    ['work', { step: 2 ** 53 }],
    ['gradient', { lossSum: '1' }],
    ['update', { learningRate: Number.NaN }],
    ['heartbeat', { quietMs: Number.NaN }],
    ['heartbeat', { sentMs: Number.POSITIVE_INFINITY }],
    ['heartbeat', { echo: { sentMs: 1 } }],
    ['gradient', { times: [] }],
    ['gradient', { times: [1, 99, 2] }],
    ['state', { powers: new Array(9).fill(0.5) }],
    ['bye', { code: 'gone' }],
    ['bye', { reason: 'x'.repeat(2049) }],
  ] as const)('refuses a %s message with %o', (type, wrong) => {
    expect(accepts(type, { ...examples[type], ...wrong })).toBe(false)
  })
})

test('an offer of shared memory must be a descriptor of a process and have a nonce of 32 hexadecimal digits', () => {
  const { sharedMemory, ...rest } = examples.welcome
  const offers = (changes: object) => accepts('welcome', { ...rest, sharedMemory: { ...sharedMemory, ...changes } })
  expect([offers({}), accepts('welcome', { ...rest, sharedMemory: null }), accepts('welcome', rest)]).toEqual([
    true,
    true,
    false,
  ])
  for (const path of ['/etc/passwd', '/proc/self/fd/3', '/proc/1/fd/3/../4', '/dev/shm/x', '/proc/1/fd/3\n']) {
    expect(offers({ desk: { path, slotBytes: 4096 } }), path).toBe(false)
    expect(offers({ board: { path, slotBytes: 4096 } }), path).toBe(false)
  }
  expect(offers({ desk: { path: '/proc/1/fd/3', slotBytes: 0 } })).toBe(false)
  for (const nonce of ['', 'AB'.repeat(16), 'ab'.repeat(17)]) expect(offers({ nonce }), nonce).toBe(false)
})

test('the sizes of tensors follow from the sizes of the run and the number of samples', () => {
  const sizes = {
    weights: 100,
    trainable: 90,
    moments: 2,
    bytesPerSample: 3072,
    maxSamples: 50,
    gradientType: 'float32',
  } as const
  const elements = (type: keyof typeof messageTensors, name: string) => messageTensors[type]![name]!.elements(sizes, 13)
  expect([elements('state', 'weights'), elements('state', 'moments')]).toEqual([100, 180])
  expect([elements('gradient', 'gradient'), elements('update', 'gradient')]).toEqual([100, 100])
  // 13 samples of 3072 bytes
  expect([elements('work', 'pixels'), elements('work', 'labels'), elements('work', 'keys')]).toEqual([39_936, 13, 13])
})

test('gradients and their mean have the gradient type of the run; weights and moments are float32 in every run', () => {
  const sizes = { weights: 100, trainable: 90, moments: 2, bytesPerSample: 3072, maxSamples: 50 }
  const types = (gradientType: 'float32' | 'bfloat16') =>
    (['gradient', 'update', 'state'] as const).map(message =>
      Object.values(messageTensors[message]!).map(rule => rule.type({ ...sizes, gradientType })),
    )
  expect(types('float32')).toEqual([['float32'], ['float32'], ['float32', 'float32']])
  expect(types('bfloat16')).toEqual([['bfloat16'], ['bfloat16'], ['float32', 'float32']])
})
