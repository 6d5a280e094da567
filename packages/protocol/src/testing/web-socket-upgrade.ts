/** The request head with which a client asks for a WebSocket (RFC 6455, section 4.1). */
export const webSocketUpgrade = [
  'GET / HTTP/1.1',
  'Host: coordinator',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
  '\r\n',
].join('\r\n')
