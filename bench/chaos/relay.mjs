// Relays a worker's TCP connection to the coordinator and disturbs it on request:
// { do: 'listen', port, to: { host, port } } first, then { do: 'stall' | 'delay' | 'half-open', ms }, { do: 'cut' } and
// { do: 'pass' }.
import { connect, createServer } from 'node:net'
import { listenToParent, tell } from '../support/parent.mjs'

/** A chunk of at least this size is probably part of a message, so cutting it in half leaves the message incomplete. */
const largeBytes = 2_048
/** How long a cut waits for a chunk of that size. */
const cutWithinMs = 2_000

const pairs = new Set()
let mode = { name: 'pass' }

const doings = {
  listen: ({ port, to }) => {
    const server = createServer({ allowHalfOpen: true }, client =>
      pass(client, connect({ ...to, allowHalfOpen: true })),
    )
    server.listen(port, () => tell({ type: 'reply' }))
  },
  stall: () => changeTo({ name: 'stall' }, 'both directions'),
  delay: ({ ms }) => changeTo({ name: 'delay', ms }, `${ms.toFixed(0)} ms each way`),
  'half-open': () => {
    for (const { server } of pairs) server.resetAndDestroy()
    changeTo({ name: 'half-open' }, 'reset towards the coordinator, silent towards the worker')
  },
  cut: cutSoon,
  pass: () => {
    if (mode.name === 'half-open') for (const pair of pairs) destroy(pair)
    changeTo({ name: 'pass' }, '')
  },
}
listenToParent(request => doings[request.do](request))

function changeTo(next, detail) {
  mode = next
  for (const pair of pairs) for (const lane of pair.lanes) lane.flow()
  tell({ type: 'reply', detail })
}

/** Sends half of the next large chunk, then cuts the connections. If none comes, cuts them between chunks. */
function cutSoon() {
  const timer = setTimeout(() => end('between two chunks'), cutWithinMs)
  mode = { name: 'cut', half: (lane, chunk) => lane.halve(chunk, () => end(describeCut(lane, chunk))) }
  function end(detail) {
    clearTimeout(timer)
    mode = { name: 'pass' }
    for (const pair of pairs) destroy(pair)
    tell({ type: 'reply', detail })
  }
}

function describeCut({ direction }, chunk) {
  return `after ${chunk.length >> 1} of ${chunk.length} bytes ${direction}`
}

function pass(client, server) {
  const pair = { client, server, lanes: [] }
  pair.lanes.push(createLane(client, server, 'to the coordinator'), createLane(server, client, 'to the worker'))
  pairs.add(pair)
  for (const socket of [client, server]) {
    socket.setNoDelay(true)
    // Ignore errors: 'close' follows and closes the other side.
    socket.on('error', () => undefined)
    socket.once('close', () => {
      if (mode.name !== 'half-open') destroy(pair)
    })
  }
}

function destroy(pair) {
  pairs.delete(pair)
  pair.client.destroy()
  pair.server.destroy()
}

/** One direction of a connection. */
function createLane(from, to, direction) {
  const waiting = []
  const lane = { direction, flow, halve }
  let isOver = false

  from.on('data', chunk => {
    if (mode.name === 'cut' && chunk.length >= largeBytes) return mode.half(lane, chunk)
    waiting.push({ chunk, dueAtMs: performance.now() + (mode.ms ?? 0) })
    flow()
  })
  from.on('end', () => {
    isOver = true
    flow()
  })
  to.on('drain', flow)

  /** Sends the chunks that are due, and stops reading while they cannot be sent. */
  function flow() {
    const stalls = mode.name === 'stall' || mode.name === 'half-open'
    while (!stalls && waiting.length > 0 && !to.writableNeedDrain) {
      const waitMs = mode.name === 'delay' ? waiting[0].dueAtMs - performance.now() : 0
      if (waitMs > 0) {
        setTimeout(flow, waitMs)
        break
      }
      to.write(waiting.shift().chunk)
    }
    if (isOver && waiting.length === 0) to.end()
    if (stalls || to.writableNeedDrain) from.pause()
    else from.resume()
  }

  function halve(chunk, then) {
    to.write(chunk.subarray(0, chunk.length >> 1), then)
  }

  return lane
}
