// Yjs itself, driven by the tests: one JSON request a line on stdin, one JSON answer a line on stdout.
// A request names a replica by `doc`; numbers in an operation are random and are reduced to what fits, in the same way as Replica.cs does it.
import * as Y from 'yjs'
import * as awarenessProtocol from 'y-protocols/awareness'
import * as syncProtocol from 'y-protocols/sync'
import * as encoding from 'lib0/encoding'
import * as decoding from 'lib0/decoding'
import { createInterface } from 'node:readline'

const replicas = new Map()
const base64 = bytes => Buffer.from(bytes).toString('base64')
const bytes = text => new Uint8Array(Buffer.from(text, 'base64'))
const plain = value => {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return { bigint: value.toString() }
  if (value instanceof Uint8Array) return { bytes: base64(value) }
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Y.AbstractType) return { type: plain(value.toJSON()) }
  if (typeof value === 'object') return Object.fromEntries(Object.keys(value).sort().map(key => [key, plain(value[key])]))
  return value
}
const delta = ops => ops.map(op => ({
  ...(op.insert === undefined ? {} : { insert: plain(op.insert) }),
  ...(op.retain === undefined ? {} : { retain: op.retain }),
  ...(op.delete === undefined ? {} : { delete: op.delete }),
  ...(op.attributes === undefined ? {} : { attributes: plain(op.attributes) })
}))
const changeOf = event => ({
  path: event.path,
  keys: [...event.changes.keys].map(([key, change]) => [key, change.action, plain(change.oldValue)]).sort(),
  delta: delta(event.changes.delta)
})

class Replica {
  constructor ({ clientId, gc = true, observe = false, surrogates = true, v2 = false, both = false }) {
    this.v2 = v2
    this.words = surrogates ? words : words.map(word => word.replaceAll('😀', 'ö'))
    this.doc = new Y.Doc({ gc })
    this.doc.clientID = clientId
    this.map = this.doc.getMap('map')
    this.array = this.doc.getArray('array')
    this.text = this.doc.getText('text')
    this.rich = this.doc.getText('rich')
    this.roots = [this.map, this.array, this.text, this.rich]
    this.updates = []
    this.events = []
    this.others = []
    this.doc.on(v2 ? 'updateV2' : 'update', update => this.updates.push(base64(update)))
    if (both) this.doc.on(v2 ? 'update' : 'updateV2', update => this.others.push(base64(update)))
    if (observe) {
      this.roots.forEach(root => root.observeDeep(events => this.events.push(events.map(changeOf))))
    }
  }

  undoManager () {
    this.undo ??= new Y.UndoManager(this.roots, { captureTimeout: 0, trackedOrigins: new Set(['me']) })
    return this.undo
  }

  run (ops) {
    this.doc.transact(() => ops.forEach(op => this.op(op)), 'me')
  }

  op ([name, a, b, c]) {
    const { map, array, text, rich } = this
    const word = n => this.words[n % this.words.length]
    const value = (n, m, inArray) => valueOf(n, m, inArray, word)
    switch (name) {
      case 'mapSet': return map.set('k' + a % 6, value(b, c))
      case 'mapDelete': return map.delete('k' + a % 6)
      case 'arrayInsert': return array.insert(a % (array.length + 1), Array.from({ length: 1 + c % 3 }, (_, i) => value(b + i, c, true)))
      case 'arrayPush': return array.push([value(b, c, true)])
      case 'arrayDelete': return remove(array, a, b)
      case 'textInsert': return text.insert(a % (text.length + 1), word(b))
      case 'textDelete': return remove(text, a, b)
      case 'richInsert': return rich.insert(a % (rich.length + 1), word(b))
      case 'richInsertWith': return rich.insert(a % (rich.length + 1), word(b), attributes(c))
      case 'richDelete': return remove(rich, a, b)
      case 'richFormat': {
        if (rich.length === 0) return
        const index = a % rich.length
        return rich.format(index, 1 + b % Math.min(8, rich.length - index), attributes(c))
      }
      case 'richEmbed': return rich.insertEmbed(a % (rich.length + 1), { image: 'i' + b % 3 }, c % 2 ? attributes(c) : undefined)
      case 'richDelta': {
        const keep = a % (rich.length + 1)
        const gone = Math.min(b % 4, rich.length - keep)
        return rich.applyDelta([
          ...(keep > 0 ? [{ retain: keep, ...(c % 2 ? { attributes: attributes(b) } : {}) }] : []),
          { insert: word(c), ...(b % 2 ? { attributes: attributes(c) } : {}) },
          ...(gone > 0 ? [{ delete: gone }] : [])
        ])
      }
      case 'nested': {
        const types = nestedTypes(this)
        if (types.length === 0) return
        const type = types[a % types.length]
        if (type instanceof Y.Map) return c % 4 === 0 ? type.delete('k' + b % 3) : type.set('k' + b % 3, value(b, c))
        if (type instanceof Y.Array) return c % 3 === 0 ? remove(type, b, c) : type.insert(b % (type.length + 1), [value(c, b, true)])
        return c % 3 === 0 ? remove(type, b, c) : type.insert(b % (type.length + 1), word(c))
      }
      default: throw new Error('unknown operation ' + name)
    }
  }
}

const remove = (list, a, b) => {
  if (list.length === 0) return
  const index = a % list.length
  list.delete(index, 1 + b % Math.min(5, list.length - index))
}
const words = ['a', 'b ', 'hello', 'x\n', 'éü', '漢字', '😀', 'a😀b', 'zzzzzzzz', '"\\']
const attributes = n => [
  { bold: true }, { bold: null }, { italic: true }, { italic: null }, { bold: true, italic: true }, { color: 'red' }, { color: 'blue' }, { color: null },
  { link: 'http://x', bold: null }, { size: 12 }
][n % 10]
const valueOf = (n, m, inArray, word) => {
  switch (n % (inArray ? 13 : 14)) {
    case 0: return null
    case 1: return true
    case 2: return m % 100
    case 3: return -m % 70000
    case 4: return m / 8
    case 5: return m / 7
    case 6: return word(m)
    case 7: return { b: m % 10, a: [1, 'x', null], 7: false, 3: { deep: [] } }
    case 8: return [m % 3, [word(m)], {}]
    case 9: return new Uint8Array([m % 256, 0, 255])
    case 10: { const type = new Y.Map(); type.set('n', m % 50); type.set('t', new Y.Text(word(m))); return type }
    case 11: { const type = new Y.Array(); type.insert(0, [m % 9, word(m)]); return type }
    case 12: return new Y.Text(word(m))
    default: return BigInt(m)
  }
}
const nestedTypes = replica => {
  const found = []
  const visit = type => {
    if (type instanceof Y.Map) {
      [...type.keys()].sort().forEach(key => { const child = type.get(key); if (child instanceof Y.AbstractType) { found.push(child); visit(child) } })
    } else if (type instanceof Y.Array) {
      type.toArray().forEach(child => { if (child instanceof Y.AbstractType) { found.push(child); visit(child) } })
    }
  }
  visit(replica.map)
  visit(replica.array)
  return found
}

const state = ({ doc, map, array, text, rich }) => ({
  json: plain({ map: map.toJSON(), array: array.toJSON(), text: text.toJSON(), rich: rich.toJSON() }),
  delta: delta(rich.toDelta()),
  vector: base64(Y.encodeStateVector(doc)),
  update: base64(Y.encodeStateAsUpdate(doc)),
  updateV2: base64(Y.encodeStateAsUpdateV2(doc)),
  pending: doc.store.pendingStructs !== null || doc.store.pendingDs !== null
})
const taken = (replica, extra) => {
  const { updates, others, events } = replica
  replica.updates = []
  replica.others = []
  replica.events = []
  return { updates, others, events, ...extra }
}

const commands = {
  new: request => { replicas.set(request.doc, new Replica(request)); return {} },
  drop: request => { replicas.delete(request.doc); return {} },
  run: request => { const replica = replicas.get(request.doc); replica.run(request.ops); return taken(replica) },
  apply: request => {
    const replica = replicas.get(request.doc)
    const take = replica.v2 ? Y.applyUpdateV2 : Y.applyUpdate
    request.updates.forEach(update => take(replica.doc, bytes(update), 'remote'))
    return taken(replica)
  },
  undo: request => { const replica = replicas.get(request.doc); return taken(replica, { done: replica.undoManager().undo() !== null }) },
  redo: request => { const replica = replicas.get(request.doc); return taken(replica, { done: replica.undoManager().redo() !== null }) },
  track: request => { replicas.get(request.doc).undoManager(); return {} },
  state: request => state(replicas.get(request.doc)),
  encode: request => {
    const { doc, v2 } = replicas.get(request.doc)
    return { update: base64((v2 ? Y.encodeStateAsUpdateV2 : Y.encodeStateAsUpdate)(doc, bytes(request.vector))) }
  },
  merge: request => ({ update: base64((request.v2 ? Y.mergeUpdatesV2 : Y.mergeUpdates)(request.updates.map(bytes))) }),
  diff: request => ({ update: base64((request.v2 ? Y.diffUpdateV2 : Y.diffUpdate)(bytes(request.update), bytes(request.vector))) }),
  vectorOf: request => ({ vector: base64((request.v2 ? Y.encodeStateVectorFromUpdateV2 : Y.encodeStateVectorFromUpdate)(bytes(request.update))) }),
  convert: request => ({ update: base64((request.v2 ? Y.convertUpdateFormatV2ToV1 : Y.convertUpdateFormatV1ToV2)(bytes(request.update))) }),
  // What y-protocols answers to a sync message, and the step 1 that it opens with.
  sync: request => {
    const { doc } = replicas.get(request.doc)
    const [answer, opening] = [encoding.createEncoder(), encoding.createEncoder()]
    if (request.message) syncProtocol.readSyncMessage(decoding.createDecoder(bytes(request.message)), answer, doc, 'remote')
    syncProtocol.writeSyncStep1(opening, doc)
    return { answer: base64(encoding.toUint8Array(answer)), opening: base64(encoding.toUint8Array(opening)) }
  },
  // Builds documents out of everything that Yjs has and this engine offers no API for yet.
  script: request => {
    const doc = new Y.Doc({ gc: request.gc ?? true })
    doc.clientID = request.clientId ?? 1
    const updates = []
    doc.on('update', update => updates.push(base64(update)))
    new Function('Y', 'doc', request.code)(Y, doc)
    return { update: base64(Y.encodeStateAsUpdate(doc)), vector: base64(Y.encodeStateVector(doc)), updates }
  },
  awareness: request => {
    const doc = new Y.Doc()
    doc.clientID = request.clientId
    const awareness = new awarenessProtocol.Awareness(doc)
    const changes = []
    awareness.on('change', ({ added, updated, removed }, origin) => changes.push({ added, updated, removed, origin }))
    for (const [name, argument] of request.steps) {
      if (name === 'set') awareness.setLocalState(argument)
      if (name === 'apply') awarenessProtocol.applyAwarenessUpdate(awareness, bytes(argument), 'remote')
      if (name === 'remove') awarenessProtocol.removeAwarenessStates(awareness, argument, 'gone')
    }
    const answer = {
      changes,
      states: [...awareness.getStates()].map(([id, value]) => [id, JSON.stringify(value), awareness.meta.get(id).clock]).sort((a, b) => a[0] - b[0]),
      update: base64(awarenessProtocol.encodeAwarenessUpdate(awareness, [...awareness.meta.keys()]))
    }
    awareness.destroy()
    return answer
  }
}

createInterface({ input: process.stdin }).on('line', line => {
  let answer
  try {
    const request = JSON.parse(line)
    answer = commands[request.command](request)
  } catch (error) {
    answer = { error: String(error?.stack ?? error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
})
