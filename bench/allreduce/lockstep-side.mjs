// All-reduces of lockstep's own coordinator and workers, whose gradients come from a stand-in for TensorFlow.
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { readCpuMs, readPeakBytes, readTraffic, resetPeak } from './proc.mjs'
import { startIn } from './processes.mjs'

const script = name => fileURLToPath(new URL(name, import.meta.url))

/** Steps for which there is data. */
const mostSteps = 400

/** Steps in which workers must have found each other. */
const mostSettling = 50

/** After so long without another worker at the gate, shards have fallen on fewer workers than there are. */
const patienceMs = 1500

/** Processes for the hosts of a network, started when they are first needed: importing tfjs takes each half a second. */
export function createLockstep() {
  const processes = new Map()
  const processAt = (namespace, file, index) => {
    const key = `${namespace} ${file} ${index}`
    if (!processes.has(key)) processes.set(key, startIn(namespace, script(file)))
    return processes.get(key)
  }

  /** Starts a run of so many workers; its first step waits at the gate. */
  async function open({ network, workers, elements, topology, shareMemory }) {
    const { hosts, interfaceName } = network
    const [place, ...places] = hosts.slice(0, workers + 1)
    const coordinator = processAt(place.name, 'coordinator-process.mjs', 0)
    const crew = places.map(({ name }, index) => processAt(name, 'worker-process.mjs', index))
    resetPeak(coordinator.pid)
    const token = randomBytes(32).toString('hex')
    const run = { host: place.address, token, elements, workers, topology, shareMemory, steps: mostSteps }
    const { url } = await coordinator.ask({ do: 'open', ...run })
    const gate = createGate(coordinator, crew, topology === 'direct' && workers > 1)
    for (const [index, worker] of crew.entries()) worker.send({ do: 'join', url, token, name: `worker ${index + 1}` })
    const traffic = () => crew.map(({ pid }) => readTraffic(pid, interfaceName))
    const counters = () => ({
      cpuMs: readCpuMs(coordinator.pid),
      coordinator: readTraffic(coordinator.pid, interfaceName),
      workers: traffic(),
    })
    return {
      counters,
      peakBytes: () => readPeakBytes(coordinator.pid),
      settle: gate.settle,
      measure: gate.measure,
      close: () => closeRun(coordinator, crew),
    }
  }

  return { open, end: () => Promise.all(Array.from(processes.values(), each => each.end())) }
}

async function closeRun(coordinator, crew) {
  const closed = coordinator.ask({ do: 'close' })
  const left = crew.map(worker => worker.next('ended'))
  for (const worker of crew) worker.send({ do: 'leave' })
  await Promise.all([closed, ...left])
}

/** Holds the workers back in each step until all have their gradient, and takes the time from there. */
function createGate(coordinator, crew, isDirect) {
  /** Of each step that is not over: how many workers are at the gate, and the times of those that have the mean. */
  const steps = new Map()
  let current = 0
  let notify = () => undefined
  let failure = null
  let isLinked = false

  const stateOf = step => {
    if (!steps.has(step)) steps.set(step, { holding: 0, elapsedMs: [] })
    return steps.get(step)
  }
  const fail = reason => {
    failure ??= new Error(reason)
    notify()
  }
  const hear = (worker, { holding, mean, elapsedMs, isRight }) => {
    if (holding !== undefined) stateOf(holding).holding += 1
    // Whoever comes to a step that is over goes through.
    if (holding < current) worker.send({ do: 'open', step: holding })
    if (mean !== undefined) stateOf(mean).elapsedMs.push(elapsedMs)
    if (isRight === false) return fail(`the mean gradient of step ${mean} is wrong`)
    notify()
  }
  coordinator.on('failed', ({ reason }) => fail(reason))
  coordinator.on('linked', () => {
    isLinked = true
  })
  for (const worker of crew) {
    worker.on('failed', ({ reason }) => fail(reason))
    worker.on('ended', ({ how, reason }) => fail(`a worker has ended: ${how} ${reason}`))
    worker.on('gate', message => hear(worker, message))
  }

  /** Takes so many steps, and returns the longest time of a worker in each: from its gradient to the mean, in ms. */
  async function measure(iterations) {
    const times = []
    for (let iteration = 0; iteration < iterations; iteration++) times.push(await takeStep())
    return times
  }

  /** Steps that do not count; more where the workers must first be linked, and the step that is sent ahead by then is over. */
  async function settle(steps) {
    await measure(steps)
    if (!isDirect) return
    for (let tries = 0; !isLinked && tries < mostSettling; tries++) await takeStep()
    if (!isLinked) throw new Error('the workers have no links to each other')
    await measure(2)
  }

  async function takeStep() {
    const state = stateOf(current)
    const isEven = await until(() => state.holding === crew.length, patienceMs)
    for (const worker of crew) worker.send({ do: 'open', step: current })
    await until(() => state.elapsedMs.length === crew.length, null)
    steps.delete(current)
    current += 1
    return { ms: Math.max(...state.elapsedMs), isEven }
  }

  /** Waits for a condition; resolves with false when nothing has changed for so long since the first worker came. */
  function until(condition, patience) {
    return new Promise((resolve, reject) => {
      let timer
      notify = () => {
        clearTimeout(timer)
        if (failure !== null) return reject(failure)
        if (condition()) return resolve(true)
        if (patience !== null && stateOf(current).holding > 0) timer = setTimeout(() => resolve(false), patience)
      }
      notify()
    })
  }

  return { measure, settle }
}
