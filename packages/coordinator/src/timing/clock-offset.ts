/**
 * Estimates how far a worker's clock is ahead of the coordinator's, from messages in both directions as in the Network
 * Time Protocol (RFC 5905, section 8): half of the difference between the two ways. The estimate is exact where both
 * ways take equally long, and wrong by at most half of their sum. So the exchange with the least delay counts; older
 * ones count less, since clocks drift apart.
 */
export type ClockOffset = {
  /**
   * Adds an exchange. The coordinator's clock says when its message was sent and the answer arrived; the worker's clock
   * says when the message was received and answered. All in milliseconds.
   */
  readonly add: (exchange: ClockExchange) => void
  /** The worker's clock minus the coordinator's, and the largest error of that, in ms; null before an exchange. */
  readonly estimate: (nowMs: number) => { readonly offsetMs: number; readonly errorMs: number } | null
}

export type ClockExchange = {
  readonly sentMs: number
  readonly receivedMs: number
  readonly answeredMs: number
  readonly arrivedMs: number
}

/** Quartz clocks drift apart by up to some 50 parts per million. */
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
