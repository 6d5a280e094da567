// One disturbed run, from its start to its results.
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom } from '../support/random.mjs'
import { createRecord } from '../support/run-record.mjs'
import { findFaults, readRun } from './checks.mjs'
import { conduct } from './conduct.mjs'
import { churn, listKinds } from './faults.mjs'
import { findLeft, killLeft } from './launch.mjs'
import { measureRecovery } from './recovery.mjs'
import { port } from './stage.mjs'
import { raiseStorm } from './storm.mjs'
import { createWorkerPool } from './worker-pool.mjs'

/** A run without any output for this long has stopped. */
const standingMs = 120_000
const lookEveryMs = 250

/**
 * Two kinds of run: with the local workers of `train`, or with separate workers only. Gradients go through the
 * coordinator or, without audits, directly between workers.
 */
export const variants = [
  { command: 'train', topology: 'star', flags: ['--workers', '2'], near: 0 },
  { command: 'coordinator', topology: 'direct', flags: [], near: 2 },
]

/**
 * @param number of the round, from 1 on; it determines the variant and, with the seed, what fails.
 * @param seconds that the run should take; after 1.5 times as long no more faults begin.
 */
export async function playRound(plan) {
  const { number, stage, reference, settings } = plan
  const play = begin(plan)
  const { place, record, pool, faults } = play
  const watch = watchOver(play, plan)
  const wrong = []
  const outcome = await Promise.race([play.run.finished, watch.stands]).catch(error => {
    wrong.push(error.message)
    return null
  })
  const endedAtMs = performance.now()
  watch.stop()
  await play.endFaults()
  if (outcome === null) killLeft()
  const parted = await pool.disband()
  const account = readRun(place)
  if (outcome !== null) wrong.push(...findFaults(account, reference, record), ...findLeftovers(pool, parted))
  wrong.push(...faults.filter(({ isWrong }) => isWrong).map(({ detail }) => `a stranger was let in: ${detail}`))
  const timed = measureRecovery(faults, record, endedAtMs)
  if (wrong.length > 0) keep(stage, place, record, join(settings.out, `chaos-round-${number}`))
  // The disk is small, and the next round needs all of it.
  rmSync(place, { recursive: true, force: true })
  return {
    number,
    variant: play.variant,
    wrong,
    seconds: (endedAtMs - play.startedAtMs) / 1000,
    resumed: outcome?.resumed ?? 0,
    deaf: parted.deaf,
    ...describeAccount(account, record),
    faults: timed.map(fault => ({ ...fault, round: number, afterMs: fault.atMs - play.startedAtMs })),
  }
}

/** Starts the coordinator, the workers and the faults. */
function begin({ number, stage, config, settings }) {
  const variant = variantOf(number, settings)
  const place = join(stage.disk.folder, `round-${number}`)
  const record = createRecord()
  const [over, calm] = [new AbortController(), new AbortController()]
  const random = stream => createRandom(settings.seed * 1000 + number * 10 + stream)
  const faults = []
  const onFault = fault => faults.push(fault)
  const surroundings = { ...stage, host: stage.hosts.center, place, record }
  const run = conduct(commands(variant, config, place, stage, settings), surroundings)
  const pool = createWorkerPool(stage, { near: variant.near, random: random(1), isOver: () => over.signal.aborted })
  const kinds = listKinds({ stage, conduct: run, pool, random: random(2) })
  const signal = AbortSignal.any([over.signal, calm.signal])
  const storm = raiseStorm({ kinds, random: random(3), record, signal, onFault })
  const comings = settings.churn
    ? churn({ pool, hosts: stage.hosts, random: random(4), record, signal, onFault })
    : Promise.resolve()
  const endFaults = async () => {
    over.abort()
    await Promise.all([storm, comings])
  }
  return { variant, place, record, run, pool, faults, calm, endFaults, startedAtMs: performance.now() }
}

function variantOf(number, { audit }) {
  const variant = variants[(number - 1) % variants.length]
  return audit === null ? variant : { ...variant, topology: 'star' }
}

function describeAccount({ summary, epochs, steps }, record) {
  return {
    lives: record.lives.length,
    doneTwice: record.steps.length - steps.length,
    epochs: epochs.length,
    steps: steps.length,
    samples: steps.reduce((sum, step) => sum + step.samples, 0),
    weightsSha256: summary?.weightsSha256 ?? null,
  }
}

function commands({ command, topology, flags }, config, place, { tokenFile }, { audit }) {
  const always = [
    ...flags,
    '--supervise',
    ...(audit === null ? [] : ['--audit', audit]),
    ...[
      '--topology',
      topology,
      '--listen',
      `0.0.0.0:${port}`,
      '--token-file',
      tokenFile,
      '--min-workers',
      '2',
      '--wait',
      '120',
    ],
    ...['--checkpoint-every', '100', '--log-steps', '--json', '--offline'],
  ]
  return { command, begin: [...config, '--run-dir', place], goOn: ['--resume', place], always }
}

/** Reports progress, ends the faults in time, and gives up a run that has stopped. */
function watchOver({ record, faults, calm, startedAtMs }, { seconds, onProgress }) {
  // Counts checks instead of time, because the whole benchmark may be suspended for a while.
  let looks = 0
  let told = 0
  let timer
  const stands = new Promise((_, reject) => {
    timer = setInterval(() => {
      onProgress(record, faults)
      if (performance.now() - startedAtMs > 1_500 * seconds) calm.abort()
      const tells = record.steps.length + record.events.length
      looks = tells > told ? 0 : looks + 1
      told = tells
      if (looks * lookEveryMs < standingMs) return
      reject(new Error(`nothing has been told for ${standingMs / 1000} s, in phase "${record.phase}"`))
    }, lookEveryMs)
  })
  return { stands, stop: () => clearInterval(timer) }
}

/** Finds processes that have not ended with their run, and workers that ended before it. */
function findLeftovers({ surprises }, { stubborn }) {
  const left = findLeft()
  killLeft()
  return [
    ...(left.length > 0 ? [`processes left: ${left.join(', ')}`] : []),
    ...stubborn.map(name => `${name} did not leave when it was asked to`),
    ...surprises.map(
      ({ name, code, signal, said }) => `${name} ended by itself with ${signal ?? code}: ${said.slice(-500)}`,
    ),
  ]
}

/** Keeps the run folder and the coordinators' events. */
function keep({ disk }, place, record, folder) {
  disk.free()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  if (existsSync(place)) cpSync(place, folder, { recursive: true })
  writeFileSync(join(folder, 'told.json'), JSON.stringify(record))
}
