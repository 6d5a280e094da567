import { LockstepError } from '@lockstep/protocol'

/** What cannot go without a token, as an error that says how to make one. */
export function tokenNeeded(what: string): LockstepError {
  return new LockstepError('token-needed', `${what} needs --token-file`, {
    kind: 'usage',
    hint: 'Make one with `openssl rand -hex 32 > token` and give it to the workers too.',
  })
}
