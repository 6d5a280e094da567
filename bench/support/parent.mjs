// The benchmark's process, as those see it that it has started.

/** Tells it something; where it has just ended, this process is about to. */
export function tell(message) {
  process.send(message, () => undefined)
}

/** Calls the handler with what it asks, and ends this process with it. */
export function listenToParent(handle) {
  process.on('message', handle)
  process.once('disconnect', () => process.exit())
}
