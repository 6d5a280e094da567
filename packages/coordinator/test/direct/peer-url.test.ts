import { expect, test } from 'vitest'
import { peerUrl } from '../../src/direct/peer-url.ts'

test.each([
  ['10.0.0.2:51000', { host: null, port: 4000 }, 'tcp://10.0.0.2:4000'],
  ['::ffff:10.0.0.2:51000', { host: null, port: 4000 }, 'tcp://10.0.0.2:4000'],
  ['fd00::2:51000', { host: null, port: 4000 }, 'tcp://[fd00::2]:4000'],
  ['10.0.0.2:51000', { host: 'gate.example', port: 4000 }, 'tcp://gate.example:4000'],
  ['10.0.0.2:51000', { host: 'fd00::2', port: 4000 }, 'tcp://[fd00::2]:4000'],
  ['10.0.0.2:51000', { host: 'x'.repeat(246), port: 4000 }, null],
  ['memory', { host: null, port: 4000 }, null],
  ['10.0.0.2:51000', undefined, null],
])('a worker that connects from %s and listens at %o is reached at %s', (address, peer, url) => {
  expect(peerUrl(address, peer)).toBe(url)
})
