/**
 * How far a worker's clock is ahead of the coordinator's, from messages that go there and back as in the Network Time
 * Protocol (RFC 5905, section 8): half of what way there and way back differ by. It is right where both take equally
 * long, and wrong by at most half of both together. So the exchange with the least delay is believed, old ones the
 * less: clocks drift apart.
 */
export type ClockOffset = {
  /**
   * Takes an exchange: the coordinator's message was sent and its answer arrived by the coordinator's clock; in between
   * it was received and answered by the worker's. All in milliseconds.
   */
  readonly add: (exchange: ClockExchange) => void
  /** The worker's clock less the coordinator's, and by how much that may be wrong, in ms; null before an exchange. */
  readonly estimate: (nowMs: number) => { readonly offsetMs: number; readonly errorMs: number } | null
}

export type ClockExchange = {
  readonly sentMs: number
  readonly receivedMs: number
  readonly answeredMs: number
  readonly arrivedMs: number
}

/** Quartz clocks run apart by up to some 50 millionths. */
const driftRate = 50e-6

const keptExchanges = 16

export function createClockOffset(): ClockOffset {
  const offsets = new Float64Array(keptExchanges)
  const errors = new Float64Array(keptExchanges)
  const times = new Float64Array(keptExchanges)
  let taken = 0

  function add({ sentMs, receivedMs, answeredMs, arrivedMs }: ClockExchange): void {
    const [thereMs, backMs] = [receivedMs - sentMs, answeredMs - arrivedMs]
    const at = taken % keptExchanges
    offsets[at] = (thereMs + backMs) / 2
    errors[at] = Math.max(0, thereMs - backMs) / 2
    times[at] = arrivedMs
    taken += 1
  }

  const errorAt = (at: number, nowMs: number) => errors[at]! + driftRate * Math.max(0, nowMs - times[at]!)

  function estimate(nowMs: number): ReturnType<ClockOffset['estimate']> {
    if (taken === 0) return null
    let best = 0
    for (let at = 1; at < Math.min(taken, keptExchanges); at++) {
      if (errorAt(at, nowMs) < errorAt(best, nowMs)) best = at
    }
    return { offsetMs: offsets[best]!, errorMs: errorAt(best, nowMs) }
  }

  return { add, estimate }
}
