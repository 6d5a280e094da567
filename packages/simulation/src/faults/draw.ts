import type { Chance } from '../world/chance.ts'
import { type Fault, type FaultKind, faultsAnywhere, faultsBetweenWorkers } from './fault.ts'

/**
 * Probability of accepting a drawn kind, for kinds that should be rare: they end what other faults could still disturb,
 * or take long.
 */
const rare: Partial<Record<FaultKind, number>> = {
  'computing thread hangs': 0.15,
  'coordinator interrupted': 0.4,
  'disk full': 0.4,
  'link half-open': 0.25,
}

const mostFaults = 9

/** Faults that interrupt a direct exchange. */
const losses: readonly FaultKind[] = ['worker killed', 'worker loses power', 'worker leaves', 'connection cut']

/**
 * Draws the faults of a scenario. Where workers have links, these fail too, mostly after they have been established.
 */
export function drawFaults(chance: Chance, hasLinks: boolean): readonly Fault[] {
  // Some runs are disturbed while they start, others long after.
  const untilMs = chance.pick(hasLinks ? [90, 180, 350, 350, 700, 2500] : [40, 90, 180, 700, 2500])
  const faults = Array.from({ length: chance.whole(0, mostFaults) }, () => drawFault(chance, untilMs, hasLinks))
  return faults.sort((a, b) => a.atMs - b.atMs)
}

function drawFault(chance: Chance, untilMs: number, hasLinks: boolean): Fault {
  return {
    kind: drawKind(chance, hasLinks),
    atMs: chance.between(0, untilMs),
    forMs: chance.pick([20, 200, 1000, 3000]) * chance.between(0.5, 1.5),
    worker: chance.whole(1, 6),
    acts: chance.pick([0, 1, 3, 10, 30]) === 0 ? 0 : chance.whole(0, 30),
    variant: chance.unit(),
  }
}

function drawKind(chance: Chance, hasLinks: boolean): FaultKind {
  for (;;) {
    const kind = chance.pick(hasLinks ? kindsWithLinks(chance.unit()) : faultsAnywhere)
    if (chance.happens(rare[kind] ?? 1)) return kind
  }
}

function kindsWithLinks(draw: number): readonly FaultKind[] {
  if (draw < 0.3) return faultsBetweenWorkers
  return draw < 0.5 ? losses : faultsAnywhere
}
