import { basename } from 'node:path'
import {
  createRunFolder,
  type EventListener,
  encodeState,
  type RunFolder,
  reopenRunFolder,
  startBackgroundStore,
  systemDisk,
} from '@lockstep/coordinator'
import type { RunFacts } from '../runs/run-facts.ts'
import type { PreparedRun } from './prepare-run.ts'

/** Opens the folder of a prepared run, which is new or resumed. */
export async function openFolder(prepared: PreparedRun, onEvent: EventListener): Promise<RunFolder> {
  const { plan, resumed, folder, claim, launch } = prepared
  const { history, step } = plan.state
  const facts = factsOf(prepared)
  const options = { keep: launch.keep, onEvent, claim: claim.renew, store: startBackgroundStore() }
  if (resumed === null) {
    const start = encodeState(plan.identity, plan.state)
    return createRunFolder(folder, facts, systemDisk, { ...options, start })
  }
  const unusable = resumed.unusable.map(({ name }) => name)
  return reopenRunFolder(folder, { epochs: history.epochs, step, unusable }, facts, systemDisk, options)
}

function factsOf({ plan, resumed, folder }: PreparedRun): RunFacts {
  return {
    runId: plan.identity.runId,
    name: basename(folder),
    createdAt: resumed?.facts.createdAt ?? new Date().toISOString(),
    dataSource: plan.dataSource,
    dataSha256: plan.identity.dataSha256,
    layoutHash: plan.identity.layoutHash,
    classNames: [...plan.classNames],
    config: plan.config,
  }
}
