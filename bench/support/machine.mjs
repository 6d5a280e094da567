// Describes the machine on which figures were measured.
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'

const interesting = ['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_bf16']

export function readMachine() {
  const text = readFileSync('/proc/cpuinfo', 'utf8')
  const field = name => text.match(new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm'))?.[1] ?? ''
  return {
    cpu: cpus()[0].model.trim(),
    family: `family ${field('cpu family')} model ${field('model')}`,
    cores: availableParallelism(),
    instructionSets: interesting.filter(name => field('flags').split(' ').includes(name)),
    node: process.versions.node,
  }
}

export function describeMachine(machine = readMachine()) {
  const { cpu, family, cores, instructionSets, node } = machine
  return `${cpu} (${family}), ${cores} cores (${instructionSets.join(' ')}), Node ${node}`
}
