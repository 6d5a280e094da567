import { readFileSync } from 'node:fs'
import { hasSystemCode } from '@lockstep/protocol'

/** Whether a process of this number exists, whoever owns it. */
export function isProcess(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch (error) {
    return hasSystemCode(error, 'EPERM')
  }
}

/**
 * Distinguishes a process from all others that have had or will have its number: the boot id and the process's start
 * time.
 */
export function identifyProcess(id: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${statOf(id).began}`
  } catch {
    // Not Linux, or no such process.
    return null
  }
}

/** Whether the process of this number is alive and has this identity. */
export function isSameProcess(id: number, identity: string | null): boolean {
  if (!isProcess(id) || isZombie(id)) return false
  const found = identifyProcess(id)
  return found === null || identity === null || found === identity
}

/** Whether the process is dead but its parent has not yet collected its exit status. */
function isZombie(id: number): boolean {
  try {
    return statOf(id).state === 'Z'
  } catch {
    return false
  }
}

/**
 * Reads proc(5). Fields are counted after the name, which may contain anything. The third is the state, the 22nd the
 * start time.
 */
function statOf(id: number): { readonly state: string; readonly began: string } {
  const text = readFileSync(`/proc/${id}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0]!, began: fields[19]! }
}
