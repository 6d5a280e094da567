import { randomBytes } from 'node:crypto'

export function createLaneName(): string {
  return `lockstep-${randomBytes(16).toString('hex')}`
}

/** Linux's abstract socket of a name: it is in no folder and disappears with the listening process (unix(7)). */
export function laneAddress(name: string): string {
  return `\0${name}`
}
