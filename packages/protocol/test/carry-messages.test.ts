import { expect, test } from 'vitest'
import { carryMessages, type Wire } from '../src/carry-messages.ts'
import type { LockstepError } from '../src/common/error.ts'

const wire: Wire = {
  send: () => undefined,
  close: () => undefined,
  terminate: () => undefined,
  queuedBytes: () => 0,
  receivedBytes: () => 0,
}

/** With what a connection closes whose wire breaks so. */
function closedAfter(cause: Error): LockstepError | null {
  let closed: LockstepError | null = null
  const onClose = (error: LockstepError | null) => {
    closed = error
  }
  const { end } = carryMessages({ onMessage: () => undefined, onClose }, 1000, wire)
  end.because(cause)
  end.now()
  return closed
}

test('what a broken connection tells of the peer has no control characters', () => {
  // As Node quotes the name in a certificate.
  const cause = new Error('Host: localhost. is not cert’s CN: \u001b[31mred\nline')
  expect(closedAfter(cause)).toMatchObject({
    code: 'connection-failed',
    message: 'Host: localhost. is not cert’s CN:  [31mred line',
    cause,
  })
})

test('where all addresses of a host fail, each is told', () => {
  const attempts = ['connect ECONNREFUSED ::1:1', 'connect ECONNREFUSED 127.0.0.1:1'].map(text => new Error(text))
  expect(closedAfter(new AggregateError(attempts))?.message).toBe(
    'connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1',
  )
})
