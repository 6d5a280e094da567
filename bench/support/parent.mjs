// The benchmark's process, from the view of the processes that it has started.

/** Sends it a message. Ignores errors: if it has just ended, this process is about to end too. */
export function tell(message) {
  process.send(message, () => undefined)
}

/** Calls the handler with its messages, and ends this process when it ends. */
export function listenToParent(handle) {
  process.on('message', handle)
  process.once('disconnect', () => process.exit())
}
