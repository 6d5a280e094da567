/** What the user can do, by the messages of Node and OpenSSL. The first match counts. */
const hints: readonly (readonly [said: RegExp, hint: string])[] = [
  [
    /before secure TLS connection|wrong version number/,
    'Something answers there, but not with TLS: connect to ws://, or give the coordinator --tls-cert and --tls-key.',
  ],
  [/socket hang up/, 'Something answers there and hangs up: if the coordinator has --tls-cert, connect to wss://.'],
  [/altnames/, 'Connect to an address that the certificate is for, or make one for this address.'],
  [
    /certificate has expired/,
    'Make a new one, for the coordinator and the --tls-ca of its workers; or set the clock here.',
  ],
  [/certificate is not yet valid/, 'The clock of this machine is behind, or the certificate is for later.'],
  [/certificate/, 'Give the worker --tls-ca FILE: the certificate of the coordinator, or of who has signed it.'],
  [/ENOTFOUND|EAI_AGAIN/, 'This machine cannot resolve the name: check it, or connect to the IP address.'],
  [
    /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|handshake has timed out/,
    'Check the address, and whether a firewall between the machines lets the port through.',
  ],
]

const otherHint = 'Start one with `pnpm cli coordinator --listen HOST:PORT --token-file FILE`, or give --wait SECONDS.'

/** Only a `bye` tells a worker that a run has ended. Where nobody listens any more it cannot know. */
const hintAfter = (runId: string) =>
  `Run ${runId}, which it worked for, may have ended in the meantime: its coordinator's output says so. If not, start the worker again.`

/**
 * What the user can do, as a sentence, about a coordinator that is unreachable for this reason. `runId` is the last run
 * of the worker; null where it has worked for none.
 */
export function hintFor(reason: string, runId: string | null): string {
  const known = hints.find(([said]) => said.test(reason))?.[1]
  return known ?? (runId === null ? otherHint : hintAfter(runId))
}
