// Node processes in network namespaces, which this one talks to by messages and which end when it does.
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'

/** Starts a module in a namespace, with more in its environment. Its messages come as events named by their `type`. */
export function startIn(namespace, file, environment = {}) {
  const command = ['netns', 'exec', namespace, process.execPath, '--expose-gc', file]
  const child = spawn('ip', command, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...environment },
  })
  const events = new EventEmitter()
  let ending = false
  // Every run at the same processes listens anew, for as long as it lasts.
  child.on('message', message => events.emit(message.type, message))
  // 'close' does not come after a disconnection from this end.
  const exited = once(child, 'exit')
  exited.then(([code, signal]) => {
    if (ending) return
    const error = `a process of the benchmark ended with ${signal ?? code}`
    events.emit('failed', { reason: error })
    events.emit('reply', { error })
  })

  /** What does not arrive is not missed: the end of the process is told anyway. */
  const send = message => void child.send(message, () => undefined)

  return {
    pid: child.pid,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    send,
    on: (type, listener) => {
      events.removeAllListeners(type)
      events.on(type, listener)
    },
    next: async type => (await once(events, type))[0],
    ask: request => {
      send(request)
      return answerTo(events)
    },
    kill: async () => {
      ending = true
      child.kill('SIGKILL')
      await exited
    },
    end: async () => {
      ending = true
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

/** The reply to what was asked. */
async function answerTo(events) {
  const [reply] = await once(events, 'reply')
  if (reply.error !== undefined) throw new Error(reply.error)
  return reply
}
