// Faults at random moments, mostly one after the other, sometimes overlapping.
import { setTimeout as pause } from 'node:timers/promises'
import { residents } from './worker-pool.mjs'

/** If training has not recovered after this time, the next fault comes anyway. */
const recoveryWithinMs = 12_000
/** How long to wait for a short phase to aim at. */
const aimWithinMs = 8_000

/**
 * Begins faults until it is aborted, then ends those still in effect. All kinds are equally frequent, in random order.
 * One fault in four begins soon after the previous one. Of the others, one in three aims at a short phase: the start, a
 * validation, a checkpoint or the test.
 */
export async function raiseStorm({ kinds, random, record, signal, onFault }) {
  const lasting = new Set()
  let deck = []
  await sleep(random.between(0, 4_000), signal)
  while (!signal.aborted) {
    const fault = await beginNext()
    if (fault === null) await sleep(200, signal)
    else await waitAfter(fault)
  }
  await Promise.all(lasting)

  async function beginNext() {
    if (deck.length === 0) deck = random.shuffle(Object.keys(kinds))
    const kind = deck.pop()
    const before = { kind, atMs: performance.now(), phase: record.phase, active: record.active }
    const begun = await kinds[kind]()
    if (begun === null) {
      deck.splice(random.below(deck.length), 0, kind)
      return null
    }
    const fault = { ...before, ...begun, endedAtMs: null }
    const end = endLater(fault).finally(() => lasting.delete(end))
    lasting.add(end)
    onFault(fault)
    return fault
  }

  async function endLater(fault) {
    await sleep(fault.lastsMs, signal)
    await fault.end?.()
    fault.endedAtMs = performance.now()
  }

  async function waitAfter(fault) {
    if (random.next() < 0.25) return sleep(random.between(50, 1_500), signal)
    const recovered = () => hasRecovered(fault, record)
    await record.until(recovered, { timeoutMs: fault.lastsMs + recoveryWithinMs, signal })
    await sleep(random.between(100, 2_500), signal)
    if (random.next() < 0.33) await aim()
  }

  async function aim() {
    const seen = record.events.length
    const isShort = ({ type, phase }) =>
      type === 'checkpoint' || type === 'listening' || (type === 'phase' && phase !== 'training')
    await record.until(() => record.events.slice(seen).some(isShort), { timeoutMs: aimWithinMs, signal })
    await sleep(random.between(0, 150), signal)
  }
}

/** Whether the fault is over, a step is done since, and there are as many workers as before, not counting guests. */
function hasRecovered({ endedAtMs, active }, { steps, ...record }) {
  const last = steps.at(-1)
  return (
    endedAtMs !== null && last !== undefined && last.atMs > endedAtMs && record.active >= Math.min(active, residents)
  )
}

/** Sleeps for this time, or until it is aborted. */
async function sleep(ms, signal) {
  if (signal.aborted || ms <= 0) return
  await pause(ms, undefined, { signal }).catch(error => {
    if (error.name !== 'AbortError') throw error
  })
}
