// All-reduces of lockstep's coordinator and workers, with a stand-in for TensorFlow that provides the gradients.
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { memoryEnvironment } from '@lockstep/tensorflow'
import { startIn } from '../support/processes.mjs'
import { createGate } from './gate.mjs'
import { fillableBytes, readCpuMs, readPeakBytes, readTraffic, resetPeak } from './proc.mjs'

const script = name => fileURLToPath(new URL(name, import.meta.url))

/** The data lasts for this many steps. */
const mostSteps = 400

/**
 * Processes for the hosts of a network, which are reused: importing tfjs takes each of them half a second.
 * `provisioned` says how they share memory.
 */
export function createLockstep(provisioned) {
  const processes = new Map()
  const processAt = (namespace, file, index) => {
    const key = `${namespace} ${file} ${index}`
    if (processes.get(key)?.hasEnded() !== false)
      processes.set(key, startIn(namespace, script(file), memoryEnvironment))
    return processes.get(key)
  }

  /** Starts a run with `workers` workers; its first step waits at the gate. */
  async function open({ network, workers, elements, topology, shareMemory }) {
    const { hosts, interfaceName } = network
    const [place, ...places] = hosts.slice(0, workers + 1)
    const coordinator = processAt(place.name, 'coordinator-process.mjs', 0)
    const workerProcesses = places.map(({ name }, index) => processAt(name, 'worker-process.mjs', index))
    resetPeak(coordinator.pid)
    const token = randomBytes(32).toString('hex')
    const run = { host: place.address, token, elements, workers, topology, shareMemory, provisioned, steps: mostSteps }
    const { url } = await coordinator.ask({ do: 'open', ...run })
    const gate = createGate(coordinator, workerProcesses, topology === 'direct' && workers > 1)
    for (const [index, worker] of workerProcesses.entries())
      worker.send({ do: 'join', url, token, name: `worker ${index + 1}`, provisioned })
    const traffic = () => workerProcesses.map(({ pid }) => readTraffic(pid, interfaceName))
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
      close: () =>
        gate.hasFailed() ? discard([coordinator, ...workerProcesses]) : closeRun(coordinator, workerProcesses),
    }
  }

  /** Kills processes after a failure, because their state is unknown. */
  async function discard(failed) {
    for (const [key, process] of processes) if (failed.includes(process)) processes.delete(key)
    await Promise.all(failed.map(process => process.kill()))
  }

  /** Ends the processes if fewer than `bytes` are free, because they keep the memory that they once needed. */
  async function makeRoom(bytes) {
    if (bytes > fillableBytes()) await end()
  }

  async function end() {
    const all = [...processes.values()]
    processes.clear()
    await Promise.all(all.map(process => process.end()))
  }

  return { open, makeRoom, end }
}

async function closeRun(coordinator, workerProcesses) {
  const closed = coordinator.ask({ do: 'close' })
  const left = workerProcesses.map(worker => worker.next('ended'))
  for (const worker of workerProcesses) worker.send({ do: 'leave' })
  await Promise.all([closed, ...left])
}
