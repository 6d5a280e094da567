/** How the user has asked to stop: once is a request, twice an order. */
export type Interrupt = {
  /** Aborted by the first request. */
  readonly signal: AbortSignal
  /** Resolves on the second request. */
  readonly insisted: Promise<void>
  readonly release: () => void
}

/** What is said to the first request. */
export const stopNotice = 'finishing the step, then a checkpoint; Ctrl-C again stops at once'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Listens for Ctrl-C and its kin; `onFirst` is called after the first. */
export function listenForInterrupt(onFirst: () => void): Interrupt {
  const request = new AbortController()
  let insist: () => void = () => undefined
  const insisted = new Promise<void>(resolve => {
    insist = resolve
  })
  const listener = () => {
    if (request.signal.aborted) return insist()
    request.abort()
    onFirst()
  }
  for (const signal of signals) process.on(signal, listener)
  return {
    signal: request.signal,
    insisted,
    release: () => {
      for (const signal of signals) process.off(signal, listener)
    },
  }
}
