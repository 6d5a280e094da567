// Measures the step time of all contestants, in a block for each number of threads, net and batch size.
import { median, spread } from '../support/statistics.mjs'
import { cacheFolderOf } from './compilation.mjs'
import { startProcess } from './contestant-process.mjs'
import { createSchedule } from './schedule.mjs'

const maximumSteps = 30

/** Fills `report.steps`, `report.leftOut` and `report.versions`. */
export async function measureSteps(settings, folder, report) {
  const schedule = createSchedule(settings)
  for (const threads of settings.threads) {
    const processes = await startAll(settings, threads, report)
    for (const block of schedule.blocks.filter(each => each.threads === threads)) {
      const reason = schedule.begin(block)
      if (reason !== undefined) report.leftOut.push({ ...describe(block), reason })
      else schedule.end(block, await measureBlock(block, processes, settings, { schedule, folder, report }))
    }
    await Promise.all(processes.map(({ end }) => end()))
  }
}

async function startAll(settings, threads, report) {
  const started = []
  for (const { id, title, command } of settings.contestants) {
    const line = command(threads)
    const contestant = { id, title, ...(line && startProcess(line, threads)) }
    try {
      if (line === null) throw new Error('it cannot be installed here')
      Object.assign(report.versions, await contestant.ask({ do: 'hello' }))
      started.push(contestant)
    } catch (error) {
      report.leftOut.push({ contestant: title, threads, reason: error.message })
    }
  }
  return started
}

/** Measures a block and returns the sum of the contestants' times for a step, in ms. */
async function measureBlock(block, processes, settings, { schedule, folder, report }) {
  const ready = []
  for (const contestant of processes) {
    schedule.say(`warming up ${contestant.title}`)
    try {
      ready.push({ ...contestant, repeats: [], warmMs: await warmUp(contestant, block, folder) })
    } catch (error) {
      report.leftOut.push({ contestant: contestant.title, ...describe(block), reason: error.message })
    }
  }
  const roundMs = ready.reduce((sum, { warmMs }) => sum + warmMs, 0)
  const count = Math.max(1, Math.min(maximumSteps, Math.floor(schedule.leftMs(block) / settings.repeats / roundMs)))
  for (let repeat = 1; repeat <= settings.repeats; repeat++) {
    schedule.say(`repeat ${repeat} of ${settings.repeats}, ${count} steps each`)
    for (const { ask, repeats } of ready) repeats.push(median((await ask({ do: 'steps', count })).stepMs))
  }
  for (const { id, ask, repeats } of ready) {
    const figures = { medianMs: median(repeats), spread: spread(repeats), repeatsMs: repeats, stepsPerRepeat: count }
    const watched = id.startsWith('compiled') ? await ask({ do: 'anatomy', count: Math.max(5, count) }) : undefined
    report.steps.push({ ...describe(block), contestant: id, ...figures, parts: watched && medians(watched.parts) })
  }
  return roundMs
}

/** Prepares a contestant and takes warm-up steps. Returns their median time. */
async function warmUp({ id, ask }, { model, batch }, folder) {
  const { name, classes, parameters, topology } = model
  const cacheFolder = cacheFolderOf(folder, model, { id })
  await ask({ do: 'prepare', model: name, topology, batch, classes, parameters, cacheFolder })
  const [firstMs] = (await ask({ do: 'steps', count: 1 })).stepMs
  // PyTorch and oneDNN still choose kernels in a net's first steps. Long steps get fewer warm-up steps.
  const count = Math.max(1, Math.min(10, Math.round(500 / firstMs)))
  return median((await ask({ do: 'steps', count })).stepMs)
}

function describe({ model, threads, batch }) {
  return { model: model.name, threads, batch }
}

/** The time in JavaScript is the rest of a step, without the session and the copies. */
function medians(parts) {
  const of = take => median(parts.map(take))
  return {
    stepMs: of(({ stepMs }) => stepMs),
    sessionMs: of(({ sessionMs }) => sessionMs),
    copyMs: of(({ copyMs }) => copyMs),
    javaScriptMs: of(({ stepMs, sessionMs, copyMs }) => stepMs - sessionMs - copyMs),
  }
}
