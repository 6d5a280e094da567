import { hasSystemCode } from '@lockstep/protocol/error'

/**
 * Prevents write errors on standard output and standard error from ending the process, since a run is more important
 * than its output. A closed pipe (EPIPE), as after `head`, is not a failure. Errors of standard error are ignored:
 * there is nowhere to report them.
 */
export function watchOutput(): { readonly settle: () => Promise<Error | null> } {
  let failure: Error | null = null
  process.stdout.on('error', error => {
    if (!hasSystemCode(error, 'EPIPE')) failure ??= error
  })
  process.stderr.on('error', () => undefined)

  /** Waits until everything is written. Resolves with the error of standard output, if any. */
  async function settle(): Promise<Error | null> {
    await new Promise<void>(resolve => process.stdout.write('', () => resolve()))
    return failure
  }

  return { settle }
}
