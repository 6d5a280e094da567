import { type MessageOf, protocolVersion } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { refuseHello, refuseLayout } from '../../src/membership/admission.ts'

const layoutHash = 'ab'.repeat(32)
const hello: MessageOf<'hello'> = {
  type: 'hello',
  protocol: protocolVersion,
  token: 'the right token',
  name: 'w',
  host: 'h',
  device: 'cpu',
  cores: 1,
}
const refuse = (changes: Partial<MessageOf<'hello'>>) => refuseHello({ ...hello, ...changes }, hello.token)

describe('a hello', () => {
  test('is accepted with the right token', () => {
    expect(refuse({})).toBeNull()
  })

  test.each(['', 'the right toke', 'the right token ', 'The right token'])('is refused with the token %o', token => {
    expect(refuse({ token })).toMatch(/^wrong token/)
  })

  test('is refused with another protocol version, whatever its token, and the reason names both versions', () => {
    const reason = refuse({ protocol: protocolVersion + 1, token: 'wrong' })
    expect(reason).toContain(`version ${protocolVersion}, the worker ${protocolVersion + 1}`)
  })
})

test('the refusal of a layout names the beginnings of both hashes', () => {
  expect(refuseLayout(layoutHash, layoutHash)).toBeNull()
  expect(refuseLayout('cd'.repeat(32), layoutHash)).toContain('(cdcdcdcdcdcd, not abababababab)')
})
