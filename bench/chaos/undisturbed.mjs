// The run without faults, whose results all others must reach.
import { join } from 'node:path'
import { createRecord } from '../support/run-record.mjs'
import { readRun } from './checks.mjs'
import { launch } from './launch.mjs'

/**
 * Trains with two local workers and nothing else. Resolves with the results in its folder and the seconds of its
 * epochs.
 */
export async function trainUndisturbed(stage, config, name, onStep) {
  const place = join(stage.disk.folder, name)
  const record = createRecord()
  const args = ['train', ...config, '--workers', '2', '--run-dir', place, '--log-steps', '--json', '--offline']
  const { child, ended } = launch(args, stage.hosts.center, { readsOutput: false })
  record.follow(child.stdout)
  const watching = setInterval(() => onStep(record), 250)
  const { code, signal, said } = await ended.finally(() => clearInterval(watching))
  if (code !== 0) throw new Error(`the undisturbed run ended with ${signal ?? code}:\n${said}`)
  const run = readRun(place)
  return { ...run, secondsPerEpoch: run.epochs.map(({ seconds }) => seconds).at(-1) }
}
