import { readFileSync } from 'node:fs'
import { hasSystemCode } from '@lockstep/protocol'

/** Whether there is a process of this number, whoever's it is. */
export function isProcess(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch (error) {
    return hasSystemCode(error, 'EPERM')
  }
}

/** What tells a process from all others that have or will have its number: the boot, and when in it the process began. */
export function identifyProcess(id: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${statOf(id).began}`
  } catch {
    // Another system than Linux, or no such process.
    return null
  }
}

/** Whether the process of this number is alive and the one that was identified so. */
export function isSameProcess(id: number, identity: string | null): boolean {
  if (!isProcess(id) || isZombie(id)) return false
  const found = identifyProcess(id)
  return found === null || identity === null || found === identity
}

/** It is dead, and its parent has not asked how it ended. */
function isZombie(id: number): boolean {
  try {
    return statOf(id).state === 'Z'
  } catch {
    return false
  }
}

/** Of proc(5): the fields after the name, which may hold anything; the third is the state, the 22nd the time of its start. */
function statOf(id: number): { readonly state: string; readonly began: string } {
  const text = readFileSync(`/proc/${id}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0]!, began: fields[19]! }
}
