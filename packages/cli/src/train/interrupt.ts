/** How the user has asked to stop: once is a request, twice an order. */
export type Interrupt = {
  readonly requested: () => boolean
  /** Resolves on the second request. */
  readonly insisted: Promise<void>
  readonly release: () => void
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Listens for Ctrl-C and its kin; `onFirst` is called at the first. */
export function listenForInterrupt(onFirst: () => void): Interrupt {
  let count = 0
  let insist: () => void = () => undefined
  const insisted = new Promise<void>(resolve => {
    insist = resolve
  })
  const listener = () => {
    count += 1
    if (count === 1) onFirst()
    else insist()
  }
  for (const signal of signals) process.on(signal, listener)
  return {
    requested: () => count > 0,
    insisted,
    release: () => {
      for (const signal of signals) process.off(signal, listener)
    },
  }
}
