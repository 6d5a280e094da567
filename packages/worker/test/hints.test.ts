import { describe, expect, test } from 'vitest'
import { hintFor } from '../src/hints.ts'

// The reasons are error messages of Node 20 and of ws.
describe('a worker that cannot reach its coordinator', () => {
  test.each([
    ['connect ECONNREFUSED 10.0.0.1:7999', 'pnpm cli coordinator'],
    ['connect EHOSTUNREACH 10.0.0.9:7999', 'firewall'],
    ['connect ENETUNREACH 10.9.0.1:7999 - Local (0.0.0.0:0)', 'firewall'],
    ['connect ETIMEDOUT 10.0.0.1:7999', 'firewall'],
    ['Opening handshake has timed out', 'firewall'],
    ['getaddrinfo ENOTFOUND trainer.example', 'resolve the name'],
    ['getaddrinfo EAI_AGAIN trainer.example', 'resolve the name'],
    ['socket hang up', 'connect to wss://'],
    ['Client network socket disconnected before secure TLS connection was established', 'connect to ws://'],
    ['self-signed certificate', '--tls-ca FILE'],
    ['unable to verify the first certificate', '--tls-ca FILE'],
    // The next ones do not concern trust: another --tls-ca would change nothing.
    [
      "Hostname/IP does not match certificate's altnames: IP: 10.0.0.1 is not in the cert's list: ",
      'make one for this',
    ],
    ['certificate has expired', 'Make a new one'],
    ['certificate is not yet valid', 'clock'],
  ])('because of "%s" gets a matching hint', (reason, hint) => {
    expect(hintFor(reason, null)).toContain(hint)
  })

  test('any more learns that the run it worked for may have ended', () => {
    expect(hintFor('connect ECONNREFUSED 10.0.0.1:7999', 'run-7')).toContain(
      'Run run-7, which it worked for, may have ended',
    )
    expect(hintFor('connect EHOSTUNREACH 10.0.0.9:7999', 'run-7')).toContain('firewall')
  })
})
