import { expect, test } from 'vitest'
import { carryMessages, type Wire } from '../src/carry-messages.ts'
import { createCodec } from '../src/codec.ts'
import type { LockstepError } from '../src/common/error.ts'

const wire: Wire = {
  send: () => undefined,
  close: () => undefined,
  terminate: () => undefined,
  queuedBytes: () => 0,
  receivedBytes: () => 0,
}

/** The error with which a connection closes when its wire breaks for this cause. */
function closedAfter(cause: Error): LockstepError | null {
  let closed: LockstepError | null = null
  const onClose = (error: LockstepError | null) => {
    closed = error
  }
  const { end } = carryMessages({ onMessage: () => undefined, onClose }, createCodec(), wire)
  end.because(cause)
  end.now()
  return closed
}

test('the error of a broken connection contains no control characters from the peer', () => {
  // Node quotes the name in a certificate like this.
  const cause = new Error('Host: localhost. is not cert’s CN: \u001b[31mred\nline')
  expect(closedAfter(cause)).toMatchObject({
    code: 'connection-failed',
    message: 'Host: localhost. is not cert’s CN:  [31mred line',
    cause,
  })
})

test('if all addresses of a host fail, the error names each', () => {
  const attempts = ['connect ECONNREFUSED ::1:1', 'connect ECONNREFUSED 127.0.0.1:1'].map(text => new Error(text))
  expect(closedAfter(new AggregateError(attempts))?.message).toBe(
    'connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1',
  )
})
