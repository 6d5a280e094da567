// Listens until its standard input ends, and prints its port, refusals and connections. It runs the built code.
import { listen } from '../../dist/server.js'

const tell = line => process.stdout.write(`${line}\n`)

const listener = await listen({
  host: '127.0.0.1',
  port: 0,
  tls: null,
  maxFrameBytes: 100_000,
  opened: Promise.resolve(),
  onConnection: (_, connect) => {
    connect({ onMessage: () => undefined, onClose: () => undefined })
    tell('connected')
  },
  onBadConnection: (_, reason) => tell(`refused: ${reason}`),
})
tell(`port ${listener.port}`)
process.stdin.on('end', () => process.exit()).resume()
