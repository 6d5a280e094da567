// The environment of the runs: hosts with their links, a small disk, a relay, a stranger, the token. Needs root and
// iproute2.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../support/lockstep.mjs'
import { createSwitch, removeLeftovers } from '../support/network.mjs'
import { startIn } from '../support/processes.mjs'
import { writeToken } from '../support/reach.mjs'
import { createDisk } from './disk.mjs'
import { killLeft } from './launch.mjs'

export const port = 7999
/** Where the worker behind the relay listens for other workers, which bypass the relay. */
export const relayedPeerPort = 7998

const script = name => fileURLToPath(new URL(name, import.meta.url))

export async function createStage() {
  removeLeftovers()
  const folder = temporaryFolder('chaos')
  const network = createSwitch(4)
  const [center, remote, relayed, between, elsewhere] = network.hosts
  const disk = createDisk(join(folder, 'disk'))
  const tokenFile = writeToken(folder)
  const relay = startIn(between.name, script('relay.mjs'))
  const stranger = startIn(elsewhere.name, script('stranger.mjs'))
  await relay.ask({ do: 'listen', port, to: { host: center.address, port } })

  return {
    folder,
    disk,
    network,
    tokenFile,
    relay,
    stranger,
    hosts: { center, remote, relayed, between },
    remove: async () => {
      await relay.end()
      await stranger.end()
      removeAll(network, disk, folder)
    },
    /** Does the same at once: the processes in the namespaces end with this one. */
    tearDown: () => {
      killLeft()
      removeAll(network, disk, folder)
    },
  }
}

function removeAll(network, disk, folder) {
  network.remove()
  disk.remove()
  rmSync(folder, { recursive: true })
}
