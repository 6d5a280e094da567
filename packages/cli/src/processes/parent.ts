/**
 * Ends this process with its parent: the channel between them closes when the parent dies, and since a thread in the middle
 * of a computation cannot be asked, the process then kills itself.
 */
export function endWithParent(): void {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
}

/** What the parent sends first over that channel. */
export function receiveOrder<Order>(): Promise<Order> {
  return new Promise(resolve => process.once('message', order => resolve(order as Order)))
}
