/** Everything that can go wrong in any simulation. */
export const faultsAnywhere = [
  'worker killed',
  'worker loses power',
  'worker suspended',
  'worker slow',
  'worker leaves',
  'worker joins',
  'computing thread hangs',
  'gradient not finite',
  'connection cut',
  'connection half-open',
  'partition',
  'one-way partition',
  'network slow',
  'coordinator killed',
  'coordinator loses power',
  'coordinator suspended',
  'coordinator interrupted',
  'coordinator superseded',
  'disk full',
  'disk slow',
] as const

/**
 * What else can go wrong where workers have links: faults between two workers that both still reach the coordinator,
 * and slow paths.
 */
export const faultsBetweenWorkers = [
  'link cut',
  'link half-open',
  'link partition',
  'one-way link partition',
  'path slow',
  'worker ignores the end of groups',
] as const

export const faultKinds = [...faultsAnywhere, ...faultsBetweenWorkers]

export type FaultKind = (typeof faultKinds)[number]

/** One fault. Its effect depends only on its fields and the moment. */
export type Fault = {
  readonly kind: FaultKind
  readonly atMs: number
  /** How long it lasts, unless it is over at once. */
  readonly forMs: number
  /** Selects the worker it happens to. */
  readonly worker: number
  /** A crash happens in the middle of an action: after this many more sends and disk operations. */
  readonly acts: number
  /** At least 0 and less than 1. Decides what the kind leaves open. */
  readonly variant: number
}

/** Whether one end may still believe in a connection that is lost. */
export function faultLeavesBelief({ kind, variant }: Fault): boolean {
  return (
    kind.endsWith('half-open') || kind.endsWith('power') || (kind.endsWith('cut') && !toldBy(variant).every(Boolean))
  )
}

/** Which ends of a cut connection are told. */
export function toldBy(variant: number): readonly [boolean, boolean] {
  return variant < 0.6 ? [true, true] : [variant < 0.8, variant >= 0.8]
}

export function describeFault({ kind, atMs, forMs, worker, acts }: Fault): string {
  const parts = [`${atMs.toFixed(1)} ms: ${kind}`]
  if (!kind.startsWith('coordinator') && !kind.startsWith('disk')) parts.push(`worker ${worker}`)
  if (kind.endsWith('killed') || kind.endsWith('power')) parts.push(`after ${acts} acts`)
  else parts.push(`for ${forMs.toFixed(0)} ms`)
  return parts.join(', ')
}
