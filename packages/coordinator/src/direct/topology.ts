import type { Group } from './groups.ts'

export type Topology = 'star' | 'direct'
export type TopologyMode = 'auto' | Topology

/** Steps timed per topology, and the untimed steps before them, since the change itself takes time. */
export type TopologyTrial = { readonly timedSteps: number; readonly settlingSteps: number }

const usualTrial: TopologyTrial = { timedSteps: 12, settlingSteps: 4 }

export type TopologyOptions = {
  readonly mode: TopologyMode
  readonly trial?: TopologyTrial | undefined
  /** The group that can be used now, or null; asks for one where there is none. */
  readonly group: () => Group | null
  /** Whether all workers share the coordinator's memory, which is faster than any network. */
  readonly allShareMemory: () => boolean
  readonly nowMs: () => number
  readonly onChoice: (topology: Topology, reason: string) => void
}

/** Chooses the topology of each step. */
export type TopologyChoice = {
  /** The choice for the step that is submitted next: its group, or null for the star. */
  readonly next: () => Group | null
  /** A step that used this group (null: the star) is done. */
  readonly stepDone: (group: Group | null) => void
  /** Steps done with each topology. */
  readonly counts: () => Readonly<Record<Topology, number>>
}

type Trial = { readonly group: Group; readonly times: Record<Topology, number[]>; winner: Topology | null }

export function createTopologyChoice(options: TopologyOptions): TopologyChoice {
  const { mode, nowMs, onChoice } = options
  const { timedSteps, settlingSteps } = options.trial ?? usualTrial
  const counts = { star: 0, direct: 0 }
  let trial: Trial | null = null
  let lastDone: { readonly atMs: number; readonly topology: Topology } | null = null

  function next(): Group | null {
    if (mode === 'star' || (mode === 'auto' && options.allShareMemory())) return null
    const group = options.group()
    if (group === null || mode === 'direct') return group
    if (trial?.group !== group) trial = { group, times: { star: [], direct: [] }, winner: null }
    return topologyNow(trial) === 'direct' ? group : null
  }

  function stepDone(group: Group | null): void {
    const done = { atMs: nowMs(), topology: group === null ? 'star' : 'direct' } as const
    counts[done.topology] += 1
    if (trial?.winner === null && lastDone?.topology === done.topology) {
      trial.times[done.topology].push(done.atMs - lastDone.atMs)
      decide(trial)
    }
    lastDone = done
  }

  function decide(running: Trial): void {
    const { star, direct } = running.times
    if (Math.min(star.length, direct.length) < settlingSteps + timedSteps) return
    const [starMs, directMs] = [star, direct].map(times => median(times.slice(settlingSteps))) as [number, number]
    running.winner = directMs < starMs ? 'direct' : 'star'
    const members = running.group.members.length
    onChoice(
      running.winner,
      `${members} workers, ${directMs.toFixed(1)} ms a step direct, ${starMs.toFixed(1)} ms star`,
    )
  }

  /** The topology of the step being planned. A trial times the star first, then the direct exchange. */
  function topologyNow({ winner, times }: Trial): Topology {
    if (winner !== null) return winner
    return times.star.length < settlingSteps + timedSteps ? 'star' : 'direct'
  }

  return { next, stepDone, counts: () => counts }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
