// The run that nothing disturbs, to which all others have to come.
import { join } from 'node:path'
import { createRecord } from '../support/run-record.mjs'
import { readRun } from './checks.mjs'
import { launch } from './launch.mjs'

/** Trains alone on the machine with two local workers. Resolves with its folder's content and the seconds of its epochs. */
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
