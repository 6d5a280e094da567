// A client on the network that does not speak lockstep's protocol, or violates it: { do: NAME, host, port, seed }.
// Replies with the outcome, and whether it was admitted.
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { encodeMessage, openWebSocket, protocolVersion } from '@lockstep/protocol'
import { frameOfHeader, headerBombs, hugeWebSocketFrame, webSocketUpgrade } from '@lockstep/protocol/testing'
import { listenToParent, tell } from '../support/parent.mjs'

/** How long it waits for a reply. */
const patienceMs = 2_500

/** A lockstep frame that claims a header of 4 GiB. */
const hugeHeader = Buffer.from([0x4c, 0x4b, 0x53, 0x31, 0xff, 0xff, 0xff, 0xff, 0x80])

const hello = {
  type: 'hello',
  protocol: protocolVersion,
  token: 'not the token of this run',
  name: 'stranger',
  host: 'elsewhere',
  device: 'cpu',
  cores: 1,
}

const doings = {
  'random bytes': place => writeTo(place, randomBytes(1 + Math.floor(Math.random() * 65_536))),
  'an HTTP request': place => writeTo(place, 'GET /metrics HTTP/1.1\r\nHost: coordinator\r\nConnection: close\r\n\r\n'),
  'half a WebSocket handshake': place => writeTo(place, webSocketUpgrade.slice(0, webSocketUpgrade.length / 2)),
  'a WebSocket frame of 2^46 bytes': place =>
    writeTo(place, Buffer.concat([Buffer.from(webSocketUpgrade), hugeWebSocketFrame])),
  'a header of 4 GiB': place => sayTo(place, hugeHeader),
  'a header of pointers to pointers': place => sayTo(place, frameOfHeader(headerBombs['pointers to pointers'])),
  'a header of records of a long key': place => sayTo(place, frameOfHeader(headerBombs['records of a long key'])),
  'a text message': place => sayTo(place, 'let me in'),
  'a wrong token': place => sayTo(place, encodeMessage(hello)),
  'no hello': place => sayTo(place, null),
  'a hundred connections': place =>
    Promise.all(Array.from({ length: 100 }, () => writeTo(place, ''))).then(([one]) => one),
}
listenToParent(({ do: name, ...place }) =>
  doings[name](place).then(answer => tell({ type: 'reply', answer, isIn: /welcome/.test(answer) })),
)

/** Writes to a plain TCP connection. Resolves with the first line of the reply, or with how it ended. */
function writeTo(place, bytes) {
  return new Promise(resolve => {
    const socket = connect(place, () => socket.write(bytes))
    const answer = createAnswer(() => socket.destroy(), resolve)
    socket.on('data', data => answer.note(data.toString('latin1').split('\r\n')[0]))
    socket.on('error', error => answer.end(error.code))
    socket.on('close', () => answer.end('closed'))
  })
}

/** Sends a message over a WebSocket. Resolves with the last text in the reply, or with how it ended. */
function sayTo({ host, port }, message) {
  return new Promise(resolve => {
    const socket = openWebSocket(`ws://${host}:${port}`, patienceMs)
    const answer = createAnswer(() => socket.terminate(), resolve)
    socket.on('open', () => {
      if (message !== null) socket.send(message)
    })
    socket.on('message', data => answer.note(readable(data)))
    socket.on('error', error => answer.end(error.code ?? error.message))
    socket.on('close', code => answer.end(`closed with ${code}`))
  })
}

function createAnswer(hangUp, resolve) {
  let heard = ''
  const end = how => {
    clearTimeout(timer)
    resolve(heard === '' ? how : heard)
  }
  const timer = setTimeout(() => {
    end('left alone')
    hangUp()
  }, patienceMs)
  return {
    end,
    note: text => {
      heard ||= text.slice(0, 120)
    },
  }
}

/** The readable part of a frame. */
function readable(frame) {
  return (
    frame
      .toString('latin1')
      .match(/[ -~]{5,}/g)
      ?.slice(0, 3)
      .join(' ') ?? `${frame.length} bytes`
  )
}
