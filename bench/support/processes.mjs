// Node processes in network namespaces. They exchange messages with this process and end with it.
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'

/** Starts a module in a namespace, with additional variables. Its messages become events named by their `type`. */
export function startIn(namespace, file, environment = {}) {
  const command = ['netns', 'exec', namespace, process.execPath, '--expose-gc', file]
  const child = spawn('ip', command, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...environment },
  })
  const events = new EventEmitter()
  let ending = false
  // Every run on the same processes adds its own listeners while it lasts.
  child.on('message', message => events.emit(message.type, message))
  // Not 'close', which does not come after a disconnect from this end.
  const exited = once(child, 'exit')
  exited.then(([code, signal]) => {
    if (ending) return
    const error = `a process of the benchmark ended with ${signal ?? code}`
    events.emit('failed', { reason: error })
    events.emit('reply', { error })
  })

  /** Ignores errors, because the end of the process is reported anyway. */
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

/** Resolves with the reply to a request. */
async function answerTo(events) {
  const [reply] = await once(events, 'reply')
  if (reply.error !== undefined) throw new Error(reply.error)
  return reply
}
