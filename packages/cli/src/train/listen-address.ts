import { lookup } from 'node:dns/promises'
import { isLoopback, LockstepError, reasonOf } from '@lockstep/protocol'
import { tokenNeeded } from './token-needed.ts'

export type ListenAddress = { readonly host: string; readonly port: number }

/**
 * Reads HOST:PORT. Refuses an address open to other machines without a token file. Throws `bad-listen`, `token-needed`.
 */
export function readListenAddress(text: string, hasTokenFile: boolean): ListenAddress {
  const at = text.lastIndexOf(':')
  const host = text.slice(0, at).replace(/^\[|\]$/g, '')
  const port = Number(text.slice(at + 1))
  if (port > 65_535) {
    throw new LockstepError('bad-listen', '--listen: no such port', {
      kind: 'usage',
      expected: 'HOST:PORT with a port from 0 to 65535',
      received: text,
    })
  }
  if (!isLoopback(host) && !hasTokenFile) throw tokenNeeded(`--listen ${text} is open to other machines and`)
  return { host, port }
}

/** Refuses a host name without an address. Throws `bad-listen`. */
export async function refuseUnknownHost({ host }: ListenAddress): Promise<void> {
  try {
    await lookup(host)
  } catch (cause) {
    throw new LockstepError('bad-listen', `--listen: ${host} cannot be resolved`, {
      kind: 'usage',
      expected: 'a name or address of this machine',
      received: reasonOf(cause),
      cause,
    })
  }
}

/** The address at which workers on this machine reach a coordinator that listens on `host`. */
export function localUrl(url: string, host: string): string {
  return isAnyAddress(host) ? url.replace(/\/\/.*:(\d+)$/, '//127.0.0.1:$1') : url
}

function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
