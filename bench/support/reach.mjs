// What workers need to connect to a coordinator: a free port, and a token that both read.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

/** A port of the loopback that is currently free. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Writes a random token to a file in a folder, readable only by this user, and returns the file's path. */
export function writeToken(folder) {
  const file = join(folder, 'token')
  writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 })
  return file
}
