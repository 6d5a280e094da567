// The kernel's figures for a process: its memory, its CPU time, and the traffic of its network namespace.
import { readFileSync, writeFileSync } from 'node:fs'

/** Ticks per second in /proc/PID/stat: fixed on Linux (proc_pid_stat(5), sysconf(_SC_CLK_TCK)). */
const ticksPerSecond = 100

/** CPU time, user and system. */
export function readCpuMs(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [user, system] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  return ((user + system) * 1000) / ticksPerSecond
}

/** The peak of resident memory since `resetPeak`. */
export function readPeakBytes(pid) {
  const [, kilobytes] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+) kB$/m)
  return Number(kilobytes) * 1024
}

export function resetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** Bytes that an interface has received and sent, as counted in its namespace. */
export function readTraffic(pid, interfaceName) {
  const text = readFileSync(`/proc/${pid}/net/dev`, 'utf8')
  const [, line] = text.match(new RegExp(`^\\s*${interfaceName}:\\s*(.*)$`, 'm'))
  const fields = line.split(/\s+/).map(Number)
  return { received: fields[0], sent: fields[8] }
}

/** The part of the currently free memory that the benchmark may use. */
export function fillableBytes() {
  const [, kilobytes] = readFileSync('/proc/meminfo', 'utf8').match(/^MemAvailable:\s+(\d+) kB$/m)
  return 0.8 * Number(kilobytes) * 1024
}
