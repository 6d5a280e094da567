// One run of `lockstep train`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSummary, start } from '../support/lockstep.mjs'

/** A run's own figure of images per second, and the training loss of each epoch. */
export async function runLockstep({
  folder,
  dataDir,
  repeat,
  name,
  precision,
  workers,
  samples,
  epochs,
  batch,
  flags,
}) {
  const place = join(folder, `${name}-${precision}-${repeat}`)
  const options = {
    dataset: 'cifar10',
    'data-dir': dataDir,
    'limit-train': samples,
    'limit-test': 250,
    'validation-split': 0,
    epochs,
    'batch-size': batch,
    precision,
    workers,
    // The same as the defaults here. Given explicitly, so that the row keeps its meaning if the defaults change.
    shards: workers,
    threads: 1,
    'run-dir': place,
  }
  const given = Object.entries(options).flatMap(([flag, value]) => [`--${flag}`, String(value)])
  await start(['train', ...given, ...flags]).ended
  return { speeds: [readSummary(place).imagesPerSecond], losses: readLosses(place) }
}

function readLosses(place) {
  const lines = readFileSync(join(place, 'metrics.jsonl'), 'utf8').trim().split('\n')
  const entries = lines.map(line => JSON.parse(line))
  return entries.filter(({ type }) => type === 'epoch').map(({ trainLoss }) => trainLoss)
}
