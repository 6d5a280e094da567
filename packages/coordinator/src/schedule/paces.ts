import { isKnown, learnPace, type Pace, type Stretch } from './pace.ts'
import type { Task } from './task.ts'

/** A worker's paces, updated by each of its answers. */
export type Paces = {
  readonly learn: (task: Task, beganAtMs: number, nowMs: number) => void
  /** Null until the worker has answered often enough. */
  readonly known: (kind: Task['kind']) => Pace | null
}

/** The most answers of a stretch, so that an evaluation of hundreds of chunks is not a single stretch. */
const longestStretch = 8

type Current = Stretch & { readonly step: number; readonly before: Pace | null; readonly endedAtMs: number }

export function createPaces(): Paces {
  const paces = new Map<Task['kind'], Pace>()
  const current = new Map<Task['kind'], Current>()

  function learn(task: Task, beganAtMs: number, nowMs: number): void {
    if (nowMs <= beganAtMs) return
    const { kind, step, samples } = task
    const going = current.get(kind)
    const before = paces.get(kind) ?? null
    const open =
      going !== undefined && isGoingOn(going, step, beganAtMs)
        ? going
        : { step, before, answers: 0, samples: 0, tookMs: 0 }
    const stretch = {
      ...open,
      answers: open.answers + 1,
      samples: open.samples + samples,
      tookMs: open.tookMs + nowMs - beganAtMs,
      endedAtMs: nowMs,
    }
    current.set(kind, stretch)
    paces.set(kind, learnPace(stretch.before, stretch, nowMs))
  }

  function known(kind: Task['kind']): Pace | null {
    const pace = paces.get(kind) ?? null
    return isKnown(pace) ? pace : null
  }

  return { learn, known }
}

function isGoingOn({ step, endedAtMs, answers }: Current, nextStep: number, beganAtMs: number): boolean {
  return step === nextStep && endedAtMs === beganAtMs && answers < longestStretch
}
