// Workers that are started separately: one on its own host, one behind the relay, some beside the coordinator, and
// guests.
import { setTimeout as pause } from 'node:timers/promises'
import { sendSignal } from '../support/process-tree.mjs'
import { launch } from './launch.mjs'
import { port, relayedPeerPort } from './stage.mjs'

/** Number of workers in a round without guests, including those of `train`. */
export const residents = 4
/** How long a worker may take to notice that the run is over, and then to leave when requested. */
const graceMs = 15_000

/**
 * Keeps these workers running: a worker that is killed is restarted a little later, as a user would.
 *
 * `surprises`: workers that ended by themselves before the run was over, except when a full disk ended the run.
 */
export function createWorkerPool({ hosts, tokenFile, disk }, { near, random, isOver }) {
  const workers = new Set()
  const surprises = []
  let guests = 0
  const common = ['--token-file', tokenFile, '--wait', '120', '--offline']
  const direct = `ws://${hosts.center.address}:${port}`
  const relayed = ['--peer-listen', `${hosts.relayed.address}:${relayedPeerPort}`]
  const behindRelay = `ws://${hosts.between.address}:${port}`

  for (let index = 1; index <= near; index++) startWorker(`near-${index}`, hosts.center, direct)
  startWorker('remote', hosts.remote, direct)
  startWorker('relayed', hosts.relayed, behindRelay, relayed)

  function startWorker(name, host, url, flags = [], isGuest = false) {
    const worker = { name, isGuest, isAsked: false, process: null }
    workers.add(worker)
    keep(worker, ['worker', '--connect', url, '--name', name, ...common, ...flags], host)
  }

  async function keep(worker, args, host) {
    while (!isOver() && workers.has(worker)) {
      worker.isAsked = false
      worker.process = launch(args, host)
      const end = await worker.process.ended
      if (!isExpected(worker, end)) surprises.push({ name: worker.name, ...end })
      if (worker.isGuest) workers.delete(worker)
      await pause(random.between(300, 1_500))
    }
  }

  function isExpected({ isAsked }, { code, said }) {
    if (isAsked || isOver() || code === 0) return true
    return disk.wasFull() && /the run has failed: the disk is full/.test(said)
  }

  function tell(worker, signal) {
    worker.isAsked = true
    return sendSignal(worker.process.child.pid, signal)
  }

  const living = () => [...workers].filter(({ process }) => process?.lives() === true)

  return {
    surprises,
    /** The running workers, with what can be done to each. */
    living: () =>
      living().map(worker => ({
        name: worker.name,
        isGuest: worker.isGuest,
        isAsked: worker.isAsked,
        kill: () => tell(worker, 'SIGKILL'),
        leave: () => tell(worker, 'SIGTERM'),
        signal: name => sendSignal(worker.process.child.pid, name),
      })),
    /** Starts a worker that stays for a while. Returns its name. */
    invite: host => {
      const name = `guest-${++guests}`
      startWorker(name, host, direct, [], true)
      return name
    },
    /**
     * Called after the run: resolves with the workers that did not leave by themselves and were requested to, or
     * killed.
     */
    disband: async () => {
      const all = living()
      const deaf = await waitFor(all)
      for (const worker of deaf) tell(worker, 'SIGTERM')
      const stubborn = await waitFor(deaf)
      for (const worker of stubborn) tell(worker, 'SIGKILL')
      await Promise.all(all.map(({ process }) => process.ended))
      return { deaf: deaf.map(({ name }) => name), stubborn: stubborn.map(({ name }) => name) }
    },
  }
}

/** Waits for workers to end. Resolves with those that have not ended in time. */
async function waitFor(workers) {
  const timeout = new AbortController()
  const all = Promise.all(workers.map(({ process }) => process.ended))
  await Promise.race([all, pause(graceMs, undefined, { signal: timeout.signal }).catch(ignoreAbort)])
  timeout.abort()
  return workers.filter(({ process }) => process.lives())
}

function ignoreAbort(error) {
  if (error.name !== 'AbortError') throw error
}
