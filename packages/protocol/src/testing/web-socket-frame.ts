/** A binary message of at most 65,535 bytes as it lies on a WebSocket's wire (RFC 6455, section 5.2), masked with zeros by a client. */
export function webSocketFrame(message: Uint8Array, from: 'client' | 'server'): Uint8Array {
  const mask = from === 'client' ? 0x80 : 0
  // The last piece of a binary message; a length of 126 says that its 16 bits follow.
  const header = Buffer.of(0x82, mask | 126, message.byteLength >> 8, message.byteLength & 0xff)
  return Buffer.concat([header, Buffer.alloc(from === 'client' ? 4 : 0), message])
}

/** The beginning of a binary message of a client (FIN, opcode 2, masked) that says it is 2^46 bytes long. */
export const hugeWebSocketFrame = Buffer.of(0x82, 0xff, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4)
