import type { CoordinatorEvent, EventListener, WorkerFacts } from './events.ts'
import type { History } from './run-state.ts'

type Joined = Extract<CoordinatorEvent, { type: 'worker-joined' }>

/**
 * Passes events on. Warns once about each backend that differs from the earlier ones, including those of the run's
 * history: gradients of different backends differ in their last bits. Adds each backend to the history.
 */
export function tellOfMixedBackends({ history }: { readonly history: History }, onEvent: EventListener): EventListener {
  const before = history.backends ?? []
  /** The first worker with each backend, in this life. */
  const known = new Map<string, WorkerFacts>()

  function join({ worker }: Joined): void {
    if (known.has(worker.backend)) return
    const others = [...known.values()]
    const earlier = before.filter(backend => !known.has(backend))
    known.set(worker.backend, worker)
    if (before.includes(worker.backend)) return
    history.backends = [...(history.backends ?? []), worker.backend]
    if (others.length + earlier.length > 0) onEvent({ type: 'mixed-backends', worker, others, earlier })
  }

  return event => {
    onEvent(event)
    if (event.type === 'worker-joined') join(event)
  }
}
