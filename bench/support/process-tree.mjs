// Processes, as shown in /proc.
import { readdirSync, readFileSync } from 'node:fs'

/** The child processes of a process that have not been reaped. */
export function childrenOf(pid) {
  return readProc(`${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
}

/** Its command line, or '' if it no longer exists. */
export function commandOf(pid) {
  return readProc(`${pid}/cmdline`).replaceAll('\0', ' ').trim()
}

/** The coordinator started by a supervisor; null while there is none. */
export function coordinatorOf(supervisorPid) {
  return childrenOf(supervisorPid).find(pid => commandOf(pid).includes('supervised-coordinator')) ?? null
}

/** The workers started by `train`. */
export function localWorkersOf(pid) {
  return childrenOf(pid).filter(each => commandOf(each).includes('local-worker'))
}

/** All running processes that were started with this assignment in their environment. */
export function withEnvironment(assignment) {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return pids.filter(pid => readProc(`${pid}/environ`).split('\0').includes(assignment)).map(Number)
}

/** Its resident memory; undefined if it no longer exists. */
export function residentBytes(pid) {
  const kilobytes = readProc(`${pid}/status`).match(/VmRSS:\s+(\d+) kB/)?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

/** Sends a signal. Returns false if the process no longer exists. */
export function sendSignal(pid, name) {
  try {
    return process.kill(pid, name)
  } catch (error) {
    if (error.code === 'ESRCH') return false
    throw error
  }
}

/** The file's text; empty if the process has ended meanwhile or belongs to another user. */
function readProc(file) {
  try {
    return readFileSync(`/proc/${file}`, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(error.code)) return ''
    throw error
  }
}
