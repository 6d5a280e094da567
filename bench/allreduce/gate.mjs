// The gate of a run: holds the workers in each step until all have their gradient, and measures the time from there.
import { setTimeout as delay } from 'node:timers/promises'

/** The workers must be linked within this many steps. */
const mostSettling = 50

/** If no further worker comes to the gate within this time, the shards have gone to only some of the workers. */
const patienceMs = 1500

/** If no worker sends anything for this long, the run has stopped. */
const haltMs = 300_000

/**
 * How long all workers wait, as if they computed: longer than the last exchange took, within limits. If computing took
 * no time, the worker that happens to be served first would seem faster than the others and get their shards.
 */
const computing = { ofExchange: 1.5, leastMs: 10, mostMs: 3000 }

/** `isDirect`: the workers exchange directly once they are linked. */
export function createGate(coordinator, workers, isDirect) {
  /**
   * By unfinished step: the workers at the gate, and for each worker that has the mean the times when it left the gate
   * and when it got the mean.
   */
  const steps = new Map()
  let current = 0
  let lastMs = 0
  let notify = () => undefined
  let failure = null
  let isLinked = false

  const stateOf = step => {
    if (!steps.has(step)) steps.set(step, { atGate: new Set(), passages: [] })
    return steps.get(step)
  }
  const fail = reason => {
    failure ??= new Error(reason)
    notify()
  }
  const hear = (worker, { holding, mean, letGoAtMs, haveAtMs, isRight }) => {
    if (holding !== undefined) stateOf(holding).atGate.add(worker)
    // A worker that comes to a finished step passes through.
    if (holding < current) worker.send({ do: 'open', step: holding })
    if (mean !== undefined) stateOf(mean).passages.push({ letGoAtMs, haveAtMs })
    if (isRight === false) return fail(`the mean gradient of step ${mean} is wrong`)
    notify()
  }
  coordinator.on('failed', ({ reason }) => fail(reason))
  coordinator.on('linked', () => {
    isLinked = true
  })
  for (const worker of workers) {
    worker.on('failed', ({ reason }) => fail(reason))
    worker.on('ended', ({ how, reason }) => fail(`a worker has ended: ${how} ${reason}`))
    worker.on('gate', message => hear(worker, message))
  }

  /** Takes steps and returns the time of each: from the last gradient to the last mean, in ms. */
  async function measure(iterations) {
    const times = []
    for (let iteration = 0; iteration < iterations; iteration++) times.push(await takeStep())
    return times
  }

  /**
   * Takes warm-up steps. With direct exchange, takes more until the workers are linked, and until the step sent ahead
   * by then is over.
   */
  async function settle(count) {
    await measure(count)
    if (!isDirect) return
    for (let tries = 0; !isLinked && tries < mostSettling; tries++) await takeStep()
    if (!isLinked) throw new Error('the workers have no links to each other')
    await measure(2)
  }

  async function takeStep() {
    const state = stateOf(current)
    const isEven = await until(() => state.atGate.size === workers.length, patienceMs)
    await delay(Math.min(computing.mostMs, Math.max(computing.leastMs, computing.ofExchange * lastMs)))
    for (const worker of workers) worker.send({ do: 'open', step: current })
    await until(() => state.passages.length === workers.length, null)
    steps.delete(current)
    current += 1
    lastMs = betweenLast(state.passages)
    return { ms: lastMs, isEven }
  }

  /** Waits for a condition. Resolves with false if, after the first worker came, nothing changes for `patience` ms. */
  function until(condition, patience) {
    return new Promise((resolve, reject) => {
      let timer
      notify = () => {
        clearTimeout(timer)
        if (failure !== null) return reject(failure)
        if (condition()) return resolve(true)
        if (patience !== null && stateOf(current).atGate.size > 0) timer = setTimeout(() => resolve(false), patience)
        else timer = setTimeout(() => fail(`step ${current} has come to a halt`), haltMs)
      }
      notify()
    })
  }

  return { measure, settle, hasFailed: () => failure !== null }
}

/**
 * From when the last worker leaves the gate to when the last one has the mean. One without a shard is never at the
 * gate.
 */
function betweenLast(passages) {
  const letGo = passages.map(({ letGoAtMs }) => letGoAtMs).filter(at => at !== null)
  return Math.max(...passages.map(({ haveAtMs }) => haveAtMs)) - Math.max(...letGo)
}
