/** Everything that can go wrong in a simulation. */
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

/** What can go wrong between workers while both of them still reach the coordinator, and between the ways that what is sent takes. */
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

/** One thing that goes wrong. What it does depends on nothing but its own fields and the moment. */
export type Fault = {
  readonly kind: FaultKind
  readonly atMs: number
  /** How long it lasts, where it is not over at once. */
  readonly forMs: number
  /** Which worker it happens to, of those that are there. */
  readonly worker: number
  /** A crash comes in the middle of what is being done: after so many sends and disk operations more. */
  readonly acts: number
  /** At least 0 and less than 1: chooses among what the kind leaves open. */
  readonly variant: number
}

/** Whether an end of a connection may go on believing in it, though it is lost. */
export function faultLeavesBelief({ kind, variant }: Fault): boolean {
  return (
    kind.endsWith('half-open') || kind.endsWith('power') || (kind.endsWith('cut') && !toldBy(variant).every(Boolean))
  )
}

/** Which ends of a connection that is cut hear of it. */
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
