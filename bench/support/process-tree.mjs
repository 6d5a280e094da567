// Processes as /proc shows them.
import { readdirSync, readFileSync } from 'node:fs'

/** Processes that this one has started and that have not been waited for. */
export function childrenOf(pid) {
  return readProc(`${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
}

/** Its command line, or '' when it is no more. */
export function commandOf(pid) {
  return readProc(`${pid}/cmdline`).replaceAll('\0', ' ').trim()
}

/** The coordinator that a supervisor has started; null while there is none. */
export function coordinatorOf(supervisorPid) {
  return childrenOf(supervisorPid).find(pid => commandOf(pid).includes('supervised-coordinator')) ?? null
}

/** The workers that `train` has started. */
export function localWorkersOf(pid) {
  return childrenOf(pid).filter(each => commandOf(each).includes('local-worker'))
}

/** All living processes that have this assignment in the environment with which they began. */
export function withEnvironment(assignment) {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return pids.filter(pid => readProc(`${pid}/environ`).split('\0').includes(assignment)).map(Number)
}

/** Its resident memory; undefined when it is no more. */
export function residentBytes(pid) {
  const kilobytes = readProc(`${pid}/status`).match(/VmRSS:\s+(\d+) kB/)?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

/** Sends a signal. False when the process is no more. */
export function sendSignal(pid, name) {
  try {
    return process.kill(pid, name)
  } catch (error) {
    if (error.code === 'ESRCH') return false
    throw error
  }
}

/** The file's text, or none when the process has ended in between or is none of ours. */
function readProc(file) {
  try {
    return readFileSync(`/proc/${file}`, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(error.code)) return ''
    throw error
  }
}
