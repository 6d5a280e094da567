import { forEachPiece, type Times } from '@lockstep/protocol'

/** Time by phase, of the current step and of all counted steps, in milliseconds. */
export type PhaseSums<Phase extends string> = {
  /** Adds the part of a timeline after `fromMs`, which is by the same clock. */
  readonly add: (times: Times, fromMs: number) => void
  /**
   * Ends a step that took this long; `counts` says whether it is measured. A step to which nothing was added counts
   * only once something is added later: each report covers all time since the previous one.
   */
  readonly endStep: (stepMs: number, counts: boolean) => void
  /** Of the current step. */
  readonly ofStep: () => Record<Phase, number>
  /** Means over the counted steps, or null where there are none. */
  readonly means: () => { steps: number; stepMs: number; phases: Record<Phase, number> } | null
}

export function createPhaseSums<Phase extends string>(phases: readonly Phase[]): PhaseSums<Phase> {
  const step = new Float64Array(phases.length)
  const total = new Float64Array(phases.length)
  const told = { steps: 0, ms: 0 }
  const untold = { steps: 0, ms: 0 }
  let tells = false

  function add(times: Times, fromMs: number): void {
    tells = true
    forEachPiece(times, (phase, startMs, durationMs) => {
      step[phase]! += Math.min(durationMs, Math.max(0, startMs + durationMs - fromMs))
    })
  }

  function endStep(stepMs: number, counts: boolean): void {
    if (counts) {
      untold.steps += 1
      untold.ms += stepMs
      if (tells) settle()
      for (let phase = 0; phase < phases.length; phase++) total[phase]! += step[phase]!
    }
    tells = false
    step.fill(0)
  }

  function settle(): void {
    told.steps += untold.steps
    told.ms += untold.ms
    Object.assign(untold, { steps: 0, ms: 0 })
  }

  function means(): ReturnType<PhaseSums<Phase>['means']> {
    const { steps, ms } = told
    return steps === 0 ? null : { steps, stepMs: toMicroseconds(ms / steps), phases: byName(total, steps) }
  }

  const byName = (times: Float64Array, divisor: number) =>
    Object.fromEntries(phases.map((phase, index) => [phase, toMicroseconds(times[index]! / divisor)])) as Record<
      Phase,
      number
    >

  return {
    add,
    endStep,
    ofStep: () => byName(step, 1),
    means,
  }
}

/** Rounds milliseconds to three decimals: more would only make files longer. */
export function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000
}
