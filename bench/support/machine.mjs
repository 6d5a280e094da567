// What a figure was measured on.
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'

const interesting = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16']

export function describeMachine() {
  const flags =
    readFileSync('/proc/cpuinfo', 'utf8')
      .match(/^flags\s*:(.*)$/m)?.[1]
      .split(' ') ?? []
  const sets = interesting.filter(name => flags.includes(name)).join(' ')
  return `${cpus()[0].model.trim()}, ${availableParallelism()} cores (${sets}), Node ${process.versions.node}`
}
