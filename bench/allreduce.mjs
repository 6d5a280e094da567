// All-reduce of 1 to 64 workers over real and emulated links: star and direct beside gloo, and a model of the time.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { provisionTensorFlow } from '@lockstep/tensorflow'
import { planCells } from './allreduce/cells.mjs'
import { drawResults } from './allreduce/chart.mjs'
import { costlyBytes, fitTime } from './allreduce/fit.mjs'
import { createGloo } from './allreduce/gloo-side.mjs'
import { addDelay, setRate } from './allreduce/links.mjs'
import { createLockstep } from './allreduce/lockstep-side.mjs'
import { measureCells } from './allreduce/measure.mjs'
import { renderReport } from './allreduce/report.mjs'
import { readSettings } from './allreduce/settings.mjs'
import { readMachine } from './support/machine.mjs'
import { createLoopback, createSwitch, removeLeftovers } from './support/network.mjs'
import { keepResults } from './support/results.mjs'
import { silent } from './support/silent.mjs'

const settings = readSettings()
await run()

async function run() {
  removeLeftovers()
  cleanUpOnSignals()
  const gloo = settings.contestants.some(({ id }) => id === 'gloo') ? await createGloo() : null
  if (gloo === null) settings.contestants = settings.contestants.filter(({ id }) => id !== 'gloo')
  const provisioned = await provisionTensorFlow(silent)
  const results = []
  const deadlineMs = performance.now() + settings.budgetMs
  try {
    const cells = planCells(settings)
    await measureLoopback(cells, { gloo, provisioned, deadlineMs }, results)
    await measureHosts(cells, { gloo, provisioned, deadlineMs }, results)
  } finally {
    await gloo?.end()
    removeLeftovers()
  }
  await writeReport({
    measuredAt: new Date().toISOString(),
    machine: readMachine(),
    versions: gloo?.versions ?? {},
    settings: { ...settings, links: settings.links.map(({ id }) => id), out: undefined },
    results,
    fits: fitAll(results),
  })
}

/**
 * Removes the namespaces when a signal ends this process; the processes in them end by themselves. A terminal sends a
 * signal to all processes at once, so the commands that remove them start a moment later.
 */
function cleanUpOnSignals() {
  let isLeaving = false
  const leave = () => {
    if (isLeaving) return
    isLeaving = true
    setTimeout(() => {
      removeLeftovers()
      process.exit(130)
    }, 200)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, leave)
}

async function measureLoopback(cells, { provisioned, ...terms }, results) {
  const mine = cells.filter(({ link }) => link.id === 'loopback')
  if (mine.length === 0) return
  const lockstep = createLockstep(provisioned)
  const network = createLoopback(Math.max(...settings.workers))
  try {
    await measureCells(mine, network, { lockstep, ...terms }, results)
  } finally {
    await lockstep.end()
    network.remove()
  }
}

/** Measures separate hosts. Their links change while their processes stay. */
async function measureHosts(cells, { provisioned, ...terms }, results) {
  const others = settings.links.filter(({ id }) => id !== 'loopback')
  if (others.length === 0) return
  const lockstep = createLockstep(provisioned)
  const network = createSwitch(Math.max(...settings.workers))
  try {
    for (const link of others) {
      const mine = cells.filter(cell => cell.link === link)
      if (link.roundTripMs === undefined) {
        setRate(network, link.id)
        await measureCells(mine, network, { lockstep, ...terms }, results)
      } else {
        const delayed = await addDelay(network.hosts, link.roundTripMs / 2)
        await measureCells(mine, delayed, { lockstep, ...terms }, results)
        await delayed.end()
      }
    }
  } finally {
    await lockstep.end()
    network.remove()
  }
}

/** Fits a model for each contestant on each link. A single worker has nothing to exchange and is left out. */
function fitAll(results) {
  const measured = results.filter(({ medianMs, workers }) => medianMs !== undefined && workers > 1)
  const keys = [...new Set(measured.map(({ link, contestant }) => `${link} ${contestant}`))]
  return keys.flatMap(key => {
    const [link, contestant] = key.split(' ')
    const points = measured
      .filter(result => result.link === link && result.contestant === contestant)
      .map(({ workers, elements, medianMs }) => ({
        workers,
        bytes: costlyBytes(link, contestant, workers, 4 * elements),
        ms: medianMs,
      }))
    const fit = fitTime(points)
    return fit === null ? [] : [{ link, contestant, ...fit }]
  })
}

async function writeReport(report) {
  keepResults(settings.out, 'allreduce', renderReport(report), report)
  for (const [extension, picture] of Object.entries(await drawResults(report)))
    writeFileSync(join(settings.out, `allreduce.${extension}`), picture)
}
