// A run that lasts as long as the benchmark, with workers that are restarted when they are killed.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { start, temporaryFolder } from '../support/lockstep.mjs'
import { coordinatorOf, sendSignal } from '../support/process-tree.mjs'
import { freePort, writeToken } from '../support/reach.mjs'
import { createRecord } from '../support/run-record.mjs'

/** A run with all its workers counts as steady after this many steps. */
const steadySteps = 60
/** A new worker starts only after this time, because starting takes CPU time from the steps measured after a kill. */
const replacedAfterMs = 500
/** How long to wait for any condition. */
const patienceMs = 120_000

export async function openRun({ workers, shards, 'batch-size': batchSize }) {
  const folder = temporaryFolder('recovery')
  const tokenFile = writeToken(folder)
  const listen = `127.0.0.1:${await freePort()}`
  // CIFAR-10 if available, because a restarted coordinator must read it again; otherwise the synthetic set.
  const size = ['--validation-split', '0', '--limit-test', '50', '--epochs', '100000']
  const cut = ['--shards', String(shards), '--batch-size', String(batchSize), '--checkpoint-every', '50']
  const place = ['--listen', listen, '--token-file', tokenFile, '--run-dir', join(folder, 'run')]
  const supervisor = start([
    ...['coordinator', '--supervise', ...size, ...cut, ...place, '--min-workers', '1'],
    ...['--log-steps', '--json', '--offline'],
  ])
  supervisor.ended.catch(fail)
  const record = createRecord()
  record.follow(supervisor.child.stdout)
  const pids = new Map()
  let isOver = false
  let failure = null
  for (let index = 1; index <= workers; index++) startWorker(`worker-${index}`)

  function startWorker(name) {
    const worker = start([
      'worker',
      '--connect',
      `ws://${listen}`,
      '--token-file',
      tokenFile,
      '--name',
      name,
      '--offline',
    ])
    pids.set(name, worker.child.pid)
    const again = () =>
      setTimeout(() => {
        if (!isOver) startWorker(name)
      }, replacedAfterMs)
    worker.ended.then(again, again)
  }

  function fail(error) {
    if (!isOver) failure = error
  }

  /** Resolves as soon as the test of the record holds. Rejects after `patienceMs`, or if the run has ended. */
  async function until(what, test) {
    const holds = await record.until(() => failure !== null || test(record), { timeoutMs: patienceMs })
    if (failure !== null) throw failure
    if (!holds) throw new Error(`waited in vain for ${what}`)
  }

  return {
    record,
    until,
    workers: pids,
    coordinatorPid: () => coordinatorOf(supervisor.child.pid),
    /** Resolves when all workers are there and `steadySteps` steps have been done since. */
    steady: async () => {
      await until('all workers', ({ active }) => active >= workers)
      const from = record.steps.length
      await until('steady steps', ({ steps, active }) => steps.length >= from + steadySteps && active >= workers)
    },
    /** Ends the run as Ctrl-C would. */
    close: async () => {
      isOver = true
      supervisor.child.kill('SIGINT')
      await supervisor.ended.catch(ignoreInterrupted)
    },
    /** Kills all remaining processes. */
    tearDown: () => {
      isOver = true
      for (const pid of [coordinatorOf(supervisor.child.pid), supervisor.child.pid, ...pids.values()])
        if (pid !== null) sendSignal(pid, 'SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Exit code 130 means that the run has stopped on request. */
function ignoreInterrupted(error) {
  if (!/ended with 130/.test(error.message)) throw error
}
