import { hasSystemCode } from '@lockstep/protocol/error'

/**
 * Keeps a standard output or standard error that cannot be written from ending the process: a run is more than what it
 * says. A reader that has gone, as `head` does, wants no more; there is nobody to tell of standard error.
 */
export function watchOutput(): { readonly settle: () => Promise<Error | null> } {
  let failure: Error | null = null
  process.stdout.on('error', error => {
    if (!hasSystemCode(error, 'EPIPE')) failure ??= error
  })
  process.stderr.on('error', () => undefined)

  /** Waits until all has been written; why standard output could not be, if it could not. */
  async function settle(): Promise<Error | null> {
    await new Promise<void>(resolve => process.stdout.write('', () => resolve()))
    return failure
  }

  return { settle }
}
