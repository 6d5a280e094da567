import type { Cancel } from '../timing/clock.ts'

/** Time that advances from one event to the next. */
export type SimulatedTime = {
  readonly nowMs: () => number
  readonly after: (delayMs: number, action: () => void) => Cancel
  /** Runs the next event. False when there is none. */
  readonly advance: () => boolean
  /** When the next event is due; null when there is none. */
  readonly nextAtMs: () => number | null
}

type Event = { readonly atMs: number; readonly order: number; action: (() => void) | null }

export function createSimulatedTime(): SimulatedTime {
  const heap: Event[] = []
  let nowMs = 0
  let scheduled = 0

  function after(delayMs: number, action: () => void): Cancel {
    const event: Event = { atMs: nowMs + Math.max(0, delayMs), order: scheduled++, action }
    push(heap, event)
    return () => {
      event.action = null
    }
  }

  function advance(): boolean {
    for (let event = pop(heap); event !== undefined; event = pop(heap)) {
      if (event.action === null) continue
      nowMs = event.atMs
      event.action()
      return true
    }
    return false
  }

  function nextAtMs(): number | null {
    while (heap[0]?.action === null) pop(heap)
    return heap[0]?.atMs ?? null
  }

  return { nowMs: () => nowMs, after, advance, nextAtMs }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function push(heap: Event[], event: Event): void {
  let at = heap.length
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(event, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = event
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (first === undefined || last === undefined || heap.length === 0) return first
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    if (left >= heap.length) break
    const child = left + 1 < heap.length && isBefore(heap[left + 1]!, heap[left]!) ? left + 1 : left
    if (!isBefore(heap[child]!, last)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
  return first
}
