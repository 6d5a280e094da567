import type { CoordinatorEvent, EventListener, WorkerFacts } from './events.ts'

type Joined = Extract<CoordinatorEvent, { type: 'worker-joined' }>

/**
 * Passes events on, and tells once of each backend that a worker brings which is not that of those before it: gradients of
 * unlike backends differ in their last bits, and no worker can be told from its answers which it has.
 */
export function tellOfMixedBackends(onEvent: EventListener): EventListener {
  /** The first worker with each. */
  const known = new Map<string, WorkerFacts>()

  function join({ worker }: Joined): void {
    if (known.has(worker.backend)) return
    const others = [...known.values()]
    known.set(worker.backend, worker)
    if (others.length > 0) onEvent({ type: 'mixed-backends', worker, others })
  }

  return event => {
    onEvent(event)
    if (event.type === 'worker-joined') join(event)
  }
}
