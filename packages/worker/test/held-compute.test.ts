import type { Provisioned } from '@lockstep/tensorflow'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Compute } from '../src/compute.ts'
import { createHeldCompute } from '../src/held-compute.ts'
import { welcome } from './support/configuration.ts'
import { createIdleCompute } from './support/idle-compute.ts'
import { provisionForTests } from './support/tensorflow.ts'

let provisioned: Provisioned

beforeAll(async () => {
  provisioned = await provisionForTests()
})

function createTested() {
  const provisions: number[] = []
  const held = createHeldCompute(async threads => {
    provisions.push(threads)
    return provisioned
  })
  onTestFinished(held.stop)
  return { held, provisions }
}

const hasEnded = (compute: Compute) =>
  compute.failed.then(
    () => false,
    () => true,
  )
const otherRun = { ...welcome, runId: 'run-2' }

describe('the computing thread', () => {
  test('is kept for the same run', async () => {
    const { held, provisions } = createTested()
    const [first, again] = [held.prepare(welcome), held.prepare(welcome)]
    expect(await again).toBe(await first)
    expect(await held.prepare({ ...welcome, workerId: 2 })).toBe(await first)
    expect(provisions).toEqual([welcome.config.threads])
  })

  test('gets TensorFlow for the number of threads that the run prescribes', async () => {
    const asked: number[] = []
    const held = createHeldCompute(
      async threads => {
        asked.push(threads)
        return provisioned
      },
      async () => createIdleCompute().compute,
    )
    await held.prepare({ ...welcome, config: { ...welcome.config, threads: 3 } })
    expect(asked).toEqual([3])
  })

  test('is replaced by a single one for another run', async () => {
    const { held, provisions } = createTested()
    const first = await held.prepare(welcome)
    const [second, again] = [held.prepare(otherRun), held.prepare(otherRun)]
    expect(await again).toBe(await second)
    expect(await hasEnded(first)).toBe(true)
    expect(provisions).toHaveLength(2)
  })

  test('ends when it is stopped', async () => {
    const { held } = createTested()
    const compute = await held.prepare(welcome)
    await held.stop()
    expect(await hasEnded(compute)).toBe(true)
    await held.stop()
  })

  test('fails with the error of provisioning', async () => {
    const failure = new Error('no TensorFlow')
    const held = createHeldCompute(() => Promise.reject(failure))
    await expect(held.prepare(welcome)).rejects.toBe(failure)
    await held.stop()
  })
})

test('a thread that hangs is replaced when the worker reconnects, even if it never ends', async () => {
  const endless = { ...createIdleCompute().compute, stop: () => new Promise<void>(() => undefined) }
  const computes = [endless, createIdleCompute().compute]
  const held = createHeldCompute(
    async () => provisioned,
    async () => computes.shift()!,
  )
  expect(await held.prepare(welcome)).toBe(endless)
  expect(await held.prepare(welcome)).toBe(endless)
  held.giveUp()
  expect(await held.prepare(welcome)).not.toBe(endless)
})

test('a thread that failed to start prevents neither a thread for another run nor stopping', async () => {
  const failure = new Error('no such layer')
  const { compute } = createIdleCompute()
  const starts = [() => Promise.reject(failure), async () => compute, () => Promise.reject(failure)]
  const held = createHeldCompute(
    async () => provisioned,
    () => starts.shift()!(),
  )
  await expect(held.prepare(welcome)).rejects.toBe(failure)
  expect(await held.prepare(otherRun)).toBe(compute)
  await expect(held.prepare(welcome)).rejects.toBe(failure)
  await held.stop()
})

test('stopping does not wait for provisioning, and no thread starts afterwards', async () => {
  let provide: (provisioned: Provisioned) => void = () => undefined
  const held = createHeldCompute(() => new Promise(resolve => (provide = resolve)))
  const preparing = held.prepare(welcome)
  await new Promise(resolve => setImmediate(resolve))
  await held.stop()
  provide(provisioned)
  await expect(preparing).rejects.toMatchObject({ message: 'the worker has left' })
})

test('stopping without a thread provisions nothing', async () => {
  const { held, provisions } = createTested()
  await held.stop()
  expect(provisions).toEqual([])
})
