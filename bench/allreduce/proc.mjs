// What the kernel knows of a process: its memory, its time, and the traffic of the network namespace that it lives in.
import { readFileSync, writeFileSync } from 'node:fs'

/** Ticks of /proc/PID/stat a second: fixed on Linux (proc_pid_stat(5), sysconf(_SC_CLK_TCK)). */
const ticksPerSecond = 100

/** Time on a processor, user and system. */
export function readCpuMs(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [user, system] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  return ((user + system) * 1000) / ticksPerSecond
}

/** The most memory that was resident since `resetPeak`. */
export function readPeakBytes(pid) {
  const [, kilobytes] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+) kB$/m)
  return Number(kilobytes) * 1024
}

export function resetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** Bytes that an interface has received and sent, by the namespace's own count. */
export function readTraffic(pid, interfaceName) {
  const text = readFileSync(`/proc/${pid}/net/dev`, 'utf8')
  const [, line] = text.match(new RegExp(`^\\s*${interfaceName}:\\s*(.*)$`, 'm'))
  const fields = line.split(/\s+/).map(Number)
  return { received: fields[0], sent: fields[8] }
}

/** Of the memory that is free now, what the benchmark may take. */
export function fillableBytes() {
  const [, kilobytes] = readFileSync('/proc/meminfo', 'utf8').match(/^MemAvailable:\s+(\d+) kB$/m)
  return 0.8 * Number(kilobytes) * 1024
}
