/** Whether a peer's address is one at which only this machine is reached. */
export function isLocal(address: string): boolean {
  return /^(127\.|::1:|::ffff:127\.)/.test(address)
}
