import { type CoordinatorOptions, startCoordinator } from '../../src/coordinator.ts'
import type { CoordinatorEvent } from '../../src/events.ts'
import { createRunFolder } from '../../src/run-folder/run-folder.ts'
import { plainOptions } from '../../src/testing/plain-options.ts'
import { type CoordinatorWorld, systemWorld } from '../../src/world.ts'
import { token } from './test-membership.ts'
import { tinyPlan } from './tiny-plan.ts'

/** A coordinator of the tiny plan on a free port, with a new run folder at this path, and its events. */
export async function startTiny(
  path: string,
  options: Partial<CoordinatorOptions> = {},
  world: CoordinatorWorld = systemWorld,
) {
  const events: CoordinatorEvent[] = []
  const all: CoordinatorOptions = {
    ...plainOptions,
    plan: tinyPlan(),
    openFolder: () => createRunFolder(path, {}),
    token,
    stop: new AbortController().signal,
    ...options,
    onEvent: event => {
      events.push(event)
      options.onEvent?.(event)
    },
  }
  const coordinator = await startCoordinator(all, world)
  return { ...coordinator, events }
}
