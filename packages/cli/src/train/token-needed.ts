import { LockstepError } from '@lockstep/protocol'

/** The error for something that needs a token. It says how to create one. */
export function tokenNeeded(what: string): LockstepError {
  return new LockstepError('token-needed', `${what} needs --token-file`, {
    kind: 'usage',
    hint: 'Make one with `openssl rand -hex 32 > token` and give it to the workers too.',
  })
}
