// The coordinator of a run, from its first process to the end of the run.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { coordinatorOf, localWorkersOf } from '../support/process-tree.mjs'
import { launch } from './launch.mjs'

/**
 * Starts a run under `--supervise`. If a full disk ends the run, with a message that says so, it resumes the run with
 * `--resume` once there is space, as a user would. `finished` resolves with the number of resumes; it rejects if the
 * run ends in any other way.
 *
 * @param command `train` or `coordinator`, with its arguments for a new run (`begin`), for a resumed one (`goOn`) and
 *   for both (`always`).
 */
export function conduct({ command, begin, goOn, always }, { host, place, record, disk }) {
  let process = null
  const finished = run()

  async function run() {
    for (let resumed = 0; ; resumed++) {
      const isNew = !hasCheckpoint(place)
      if (isNew) rmSync(place, { recursive: true, force: true })
      process = launch([command, ...(isNew ? begin : goOn), ...always], host, { readsOutput: false })
      record.follow(process.child.stdout)
      const end = await process.ended
      if (end.code === 0) return { resumed }
      if (!endedByFullDisk(end, disk))
        throw new Error(`the coordinator ended with ${end.signal ?? end.code}:\n${end.said}`)
      await disk.hasRoom()
    }
  }

  const lives = () => process?.lives() === true

  return {
    finished,
    /** The coordinator's process; null while there is none. */
    coordinatorPid: () => (lives() ? coordinatorOf(process.child.pid) : null),
    /** The worker processes that `train` has started. */
    localWorkerPids: () => (lives() ? localWorkersOf(process.child.pid) : []),
  }
}

function hasCheckpoint(place) {
  const folder = join(place, 'checkpoints')
  return existsSync(folder) && readdirSync(folder).some(name => name.endsWith('.ckpt'))
}

function endedByFullDisk({ code, said }, disk) {
  return code === 1 && disk.wasFull() && /the disk is full/.test(said)
}
