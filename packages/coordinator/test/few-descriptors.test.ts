import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openClient } from './support/listener.ts'

const script = fileURLToPath(new URL('support/listen-forever.mjs', import.meta.url))

/** A listener in a process that can open only `files` files, and what it prints. */
function startListening(files: number) {
  const command = `ulimit -n ${files}; exec "$0" "$1"`
  const child = spawn('bash', ['-c', command, process.execPath, script], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })

  async function printed(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = text.match(pattern)
      if (match !== null) return match
      await Promise.race([
        once(child.stdout, 'data'),
        once(child, 'close').then(() => Promise.reject(new Error(`ended after: ${text}`))),
      ])
    }
  }

  return { printed }
}

test('a listener whose file descriptors silent strangers use up disconnects them and accepts a worker', async () => {
  // Node itself needs about 20 descriptors, and more while it loads.
  const { printed } = startListening(120)
  const [, port] = await printed(/port (\d+)/)
  const strangers = Array.from({ length: 200 }, () => connect(Number(port), '127.0.0.1').on('error', () => undefined))
  onTestFinished(() => strangers.forEach(stranger => void stranger.destroy()))
  // Strangers for which no descriptor is left are closed at once. The others keep theirs, and none closes its end.
  await Promise.race(strangers.map(stranger => once(stranger, 'close')))
  await printed(/refused: not a WebSocket handshake \(Request timeout\)/)
  await openClient(`ws://127.0.0.1:${port}`)
  expect(await printed(/^connected$/m)).toBeTruthy()
})
