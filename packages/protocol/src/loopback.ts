/** Whether only this machine is reached at a host: at its name or an address, IPv4 ones also as IPv6 writes them. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127(\.\d+){3}$/.test(host)
}
