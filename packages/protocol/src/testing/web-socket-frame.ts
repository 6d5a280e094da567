/**
 * A binary message of at most 65,535 bytes in WebSocket wire format (RFC 6455, section 5.2). A client's is masked with
 * zeros.
 */
export function webSocketFrame(message: Uint8Array, from: 'client' | 'server'): Uint8Array {
  const mask = from === 'client' ? 0x80 : 0
  // FIN and opcode 2: the last fragment of a binary message. A length of 126 says that the length follows in 16 bits.
  const header = Buffer.of(0x82, mask | 126, message.byteLength >> 8, message.byteLength & 0xff)
  return Buffer.concat([header, Buffer.alloc(from === 'client' ? 4 : 0), message])
}

/** The beginning of a client's binary message (FIN, opcode 2, masked) that declares a length of 2^46 bytes. */
export const hugeWebSocketFrame = Buffer.of(0x82, 0xff, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4)
