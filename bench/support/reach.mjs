// How workers come to a coordinator: a port that is free, and a token that both read.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

/** A port of the loopback that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Writes a random token into a folder, for nobody else to read, and returns its file. */
export function writeToken(folder) {
  const file = join(folder, 'token')
  writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 })
  return file
}
