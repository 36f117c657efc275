// Yjs peers for the tests: stock yjs and y-websocket over ws, driven by JSON lines on standard input, one answer a line.
// Ends with its standard input.
import readline from 'node:readline'
import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import WebSocket from 'ws'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

// *.localhost is loopback to every browser, but not to Node's resolver.
const lookup = (_, options, callback) => options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)

const peers = new Map()

class Peer {
  constructor ({ url, project, token, ack }) {
    this.doc = new Y.Doc()
    this.edits = 0 // made here, numbered from 1
    this.acknowledged = 0 // the first so many are known to be durable
    this.denied = []
    this.closes = []
    this.latencies = []
    const peer = this
    class Socket extends WebSocket {
      constructor (address) {
        super(address, { lookup })
        this.covers = []
        this.on('close', (code, reason) => peer.closes.push([code, reason.toString()]))
      }

      send (data) {
        // What a sync message with an update holds are all edits so far.
        if (data[0] === 0 && (data[1] === 1 || data[1] === 2)) this.covers.push([peer.edits, performance.now()])
        super.send(data)
      }
    }
    this.provider = new WebsocketProvider(url, project, this.doc, {
      params: ack ? { token, ack: '1' } : { token }, WebSocketPolyfill: Socket, disableBc: true, maxBackoffTime: 500, connect: false
    })
    this.provider.messageHandlers[100] = (_, decoder) => {
      const count = decoding.readVarUint(decoder)
      const [edits, sent] = this.provider.ws.covers[count - 1]
      if (edits > this.acknowledged) this.latencies.push(performance.now() - sent)
      this.acknowledged = Math.max(this.acknowledged, edits)
    }
    this.provider.messageHandlers[2] = (_, decoder) => {
      if (decoding.readVarUint(decoder) === 0) this.denied.push(decoding.readVarString(decoder))
    }
    this.provider.connect()
  }

  edit (name) {
    // Counted before it is sent: the socket asks for the number of edits that a message holds.
    this.edits++
    this.doc.getMap('nodes').set(`${name}:${this.edits}`, this.edits)
  }

  busy (name, everyMs, times) {
    clearInterval(this.timer)
    this.timer = setInterval(() => {
      this.edit(name)
      if (--times <= 0) clearInterval(this.timer)
    }, everyMs)
  }

  leave () {
    clearInterval(this.timer)
    this.provider.destroy()
    this.doc.destroy()
  }

  state () {
    return {
      synced: this.provider.synced,
      connected: this.provider.wsconnected,
      edits: this.edits,
      acknowledged: this.acknowledged,
      latencies: this.latencies,
      denied: this.denied,
      closes: this.closes,
      nodes: this.doc.getMap('nodes').toJSON(),
      text: this.doc.getText('text').toString(),
      pending: this.doc.store.pendingStructs !== null || this.doc.store.pendingDs !== null,
      stateVector: Buffer.from(Y.encodeStateVector(this.doc)).toString('base64'),
      people: [...this.provider.awareness.getStates().values()]
    }
  }
}

// Hocuspocus' provider; those of one connection share a socket, as its users do.
const hocuspocusSockets = new Map()

class HocuspocusPeer {
  constructor ({ url, project, token, connection }) {
    this.doc = new Y.Doc()
    this.denied = []
    this.closes = []
    if (!hocuspocusSockets.has(connection)) {
      class Socket extends WebSocket {
        constructor (address) { super(address, { lookup }) }
      }
      hocuspocusSockets.set(connection, new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: Socket, delay: 200, minDelay: 200, maxDelay: 500 }))
    }
    this.socket = hocuspocusSockets.get(connection)
    this.closed = ({ event }) => this.closes.push([event.code, String(event.reason)])
    this.provider = new HocuspocusProvider({
      websocketProvider: this.socket,
      name: project,
      document: this.doc,
      token,
      onAuthenticationFailed: ({ reason }) => this.denied.push(reason),
      onClose: this.closed
    })
    this.provider.attach()
  }

  leave () {
    this.provider.destroy()
    this.doc.destroy()
  }

  state () {
    return {
      synced: this.provider.synced,
      connected: this.provider.isAuthenticated,
      edits: this.provider.unsyncedChanges,
      acknowledged: this.provider.hasUnsyncedChanges ? 0 : 1,
      latencies: [],
      denied: this.denied,
      closes: this.closes,
      nodes: this.doc.getMap('nodes').toJSON(),
      text: this.doc.getText('text').toString(),
      pending: this.doc.store.pendingStructs !== null || this.doc.store.pendingDs !== null,
      stateVector: Buffer.from(Y.encodeStateVector(this.doc)).toString('base64'),
      people: [...this.provider.awareness.getStates().values()]
    }
  }
}

// A bare socket, for what no Yjs client would send.
class Raw {
  constructor ({ url, project, token }) {
    this.received = []
    this.closes = []
    this.socket = new WebSocket(`${url}/${project}?token=${token}`, { lookup })
    this.opened = new Promise(resolve => { this.socket.on('open', () => resolve(true)); this.socket.on('close', () => resolve(false)) })
    this.socket.on('message', data => this.received.push(data))
    this.socket.on('close', (code, reason) => this.closes.push([code, reason.toString()]))
    this.socket.on('error', error => { this.error = error.message })
  }

  leave () {
    this.socket.terminate()
  }
}

const commands = {
  join: ({ name, ...options }) => { peers.set(name, new Peer(options)) },
  hocuspocus: ({ name, ...options }) => { peers.set(name, new HocuspocusPeer(options)) },
  cut: ({ name }) => { peers.get(name).socket.webSocket.terminate() },
  set: ({ name, root, key, value }) => { const peer = peers.get(name); peer.edits++; peer.doc.getMap(root).set(key, value) },
  insert: ({ name, index, text }) => { const peer = peers.get(name); peer.edits++; peer.doc.getText('text').insert(index, text) },
  edit: ({ name }) => peers.get(name).edit(name),
  busy: ({ name, everyMs, times }) => peers.get(name).busy(name, everyMs, times),
  rest: ({ name }) => clearInterval(peers.get(name).timer),
  present: ({ name, state }) => peers.get(name).provider.awareness.setLocalState(state),
  state: ({ name }) => peers.get(name).state(),
  token: ({ name, token }) => { peers.get(name).provider.params.token = token },
  disconnect: ({ name }) => peers.get(name).provider.disconnect(),
  reconnect: ({ name }) => peers.get(name).provider.connect(),
  leave: ({ name }) => { peers.get(name).leave(); peers.delete(name) },
  raw: async ({ name, ...options }) => { const raw = new Raw(options); peers.set(name, raw); return { opened: await raw.opened, error: raw.error ?? null } },
  send: ({ name, bytes, text }) => { const { socket } = peers.get(name); if (socket.readyState === 1) socket.send(text ?? Buffer.from(bytes, 'base64')) },
  pause: ({ name }) => { peers.get(name).socket.pause() },
  resume: ({ name }) => { peers.get(name).socket.resume() },
  rawState: ({ name }) => { const raw = peers.get(name); return { closes: raw.closes, received: raw.received.map(data => data.toString('base64')) } },
  // A valid update, as a message, which sets a key of a root under a client id of its own.
  update: ({ root, key, value }) => {
    const doc = new Y.Doc()
    doc.getMap(root).set(key, value)
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarUint(encoder, 2)
    encoding.writeVarUint8Array(encoder, Y.encodeStateAsUpdate(doc))
    return { bytes: Buffer.from(encoding.toUint8Array(encoder)).toString('base64') }
  }
}

const input = readline.createInterface({ input: process.stdin })
input.on('line', async line => {
  const { id, command, ...options } = JSON.parse(line)
  let answer
  try {
    answer = { id, result: await commands[command](options) ?? null }
  } catch (error) {
    answer = { id, error: `${error.stack}` }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
})
input.on('close', () => process.exit(0))
process.on('uncaughtException', error => process.stderr.write(`${error.stack}\n`))
