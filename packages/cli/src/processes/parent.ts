/**
 * Ends this process with its parent. When the parent dies, the IPC channel closes and this process kills itself: a
 * thread in the middle of a computation could not react to a request.
 */
export function endWithParent(): void {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
}

/** Resolves with the first message that the parent sends over that channel. */
export function receiveOrder<Order>(): Promise<Order> {
  return new Promise(resolve => process.once('message', order => resolve(order as Order)))
}
