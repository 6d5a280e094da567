import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { listenForInterrupt } from '../../src/train/interrupt.ts'

/** The effect of signals at these times in ms. */
async function heard(...signals: readonly (readonly [NodeJS.Signals, number])[]) {
  const source = new EventEmitter()
  let nowMs = 0
  let requests = 0
  const interrupt = listenForInterrupt(source, () => nowMs)
  interrupt.signal.addEventListener('abort', () => (requests += 1))
  for (const [signal, atMs] of signals) {
    nowMs = atMs
    source.emit(signal, signal)
  }
  const isInsisted = await Promise.race([interrupt.insisted.then(() => true), Promise.resolve(false).then(() => false)])
  interrupt.release()
  expect(source.eventNames()).toEqual([])
  return { requests, isAborted: interrupt.signal.aborted, isInsisted }
}

test('the first signal is a request to stop, and the second one insists', async () => {
  expect(await heard()).toEqual({ requests: 0, isAborted: false, isInsisted: false })
  expect(await heard(['SIGTERM', 5000])).toEqual({ requests: 1, isAborted: true, isInsisted: false })
  expect(await heard(['SIGINT', 5000], ['SIGINT', 5001])).toEqual({ requests: 1, isAborted: true, isInsisted: true })
  expect(await heard(['SIGTERM', 5000], ['SIGTERM', 6000])).toMatchObject({ requests: 1, isInsisted: true })
  expect(await heard(['SIGTERM', 5000], ['SIGINT', 5001])).toMatchObject({ requests: 1, isInsisted: true })
})

test('two SIGTERMs within a second, as from `timeout`, are one request', async () => {
  expect(await heard(['SIGTERM', 5000], ['SIGTERM', 5999])).toEqual({ requests: 1, isAborted: true, isInsisted: false })
})
