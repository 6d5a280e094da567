import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, release } from 'node:os'
import { formatBytes } from '@lockstep/protocol'
import type { Platform } from '../supported-machine.ts'
import type { Finding } from './finding.ts'
import { readMemory, workerMemoryBytes } from './memory.ts'

const oldestNode = [20, 20] as const

/** Instruction sets that determine TensorFlow's speed, by their names in /proc/cpuinfo. */
const notableFlags = [
  ...['avx', 'avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'avx_vnni', 'amx_tile', 'amx_bf16', 'amx_int8'],
  ...['asimd', 'asimdhp', 'asimddp', 'bf16', 'i8mm', 'sve', 'sve2'],
] as const

export function inspectNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const recent = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  return {
    subject: 'Node.js',
    state: recent ? 'ok' : 'warning',
    value: version,
    ...(!recent && { remedy: `Install Node ${oldestNode.join('.')} or newer.` }),
    facts: { version, executable: process.execPath },
  }
}

export async function inspectSystem({ system, architecture, libC }: Platform): Promise<Finding> {
  const distribution = /^PRETTY_NAME="?([^"\n]*)/m.exec(await readFile('/etc/os-release', 'utf8').catch(() => ''))?.[1]
  const libCName = [libC.name, libC.version].filter(Boolean).join(' ')
  const parts = [distribution, `${system} ${release()}`, architecture, libCName]
  return {
    subject: 'System',
    state: 'ok',
    value: parts.filter(Boolean).join(', '),
    facts: { system, release: release(), architecture, libC: libCName, distribution: distribution ?? '' },
  }
}

export function inspectCpu({ cpuFlags }: Platform): Finding {
  const model = cpus()[0]?.model.trim() || 'unknown model'
  const cores = availableParallelism()
  const instructionSets = notableFlags.filter(flag => cpuFlags.has(flag))
  return {
    subject: 'CPU',
    state: 'ok',
    value: `${model}, ${cores} ${cores === 1 ? 'core' : 'cores'}; ${instructionSets.join(' ') || 'no vector extensions'}`,
    facts: { model, cores, instructionSets },
  }
}

export function inspectMemory(): Finding {
  const { totalBytes, freeBytes } = readMemory()
  const enough = freeBytes >= workerMemoryBytes
  return {
    subject: 'Memory',
    state: enough ? 'ok' : 'warning',
    value: `${formatBytes(totalBytes)}, ${formatBytes(freeBytes)} free`,
    ...(!enough && { remedy: `A worker needs about ${formatBytes(workerMemoryBytes)}: end other programs.` }),
    facts: { totalBytes, freeBytes },
  }
}
