/**
 * Whether a host is this machine only: `localhost`, or a loopback address of IPv4 or IPv6, also an IPv4 one written as
 * IPv6.
 */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127(\.\d+){3}$/.test(host)
}
