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
  if (value instanceof Y.Doc) return { doc: value.guid }
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
  constructor ({ clientId, gc = true, observe = false, surrogates = true, v2 = false, both = false, initial = null }) {
    this.v2 = v2
    this.words = surrogates ? words : words.map(word => word.replaceAll('😀', 'ö'))
    this.doc = new Y.Doc({ gc })
    this.doc.clientID = clientId
    if (initial) {
      // Before other roots have been named: they get their types later.
      this.doc.getText('rich')
      ;(v2 ? Y.applyUpdateV2 : Y.applyUpdate)(this.doc, bytes(initial), 'remote')
    }
    this.map = this.doc.getMap('map')
    this.array = this.doc.getArray('array')
    this.text = this.doc.getText('text')
    this.rich = this.doc.getText('rich')
    this.xml = this.doc.getXmlFragment('xml')
    this.roots = [this.map, this.array, this.text, this.rich, this.xml]
    this.snapshots = []
    this.positions = []
    this.subdocs = []
    const guids = docs => [...docs].map(doc => doc.guid)
    this.doc.on('subdocs', ({ added, removed, loaded }) => this.subdocs.push([guids(added), guids(removed), guids(loaded)]))
    this.updates = []
    this.events = []
    this.others = []
    this.doc.on(v2 ? 'updateV2' : 'update', update => this.updates.push(base64(update)))
    if (both) this.doc.on(v2 ? 'update' : 'updateV2', update => this.others.push(base64(update)))
    if (observe) {
      this.roots.forEach(root => root.observeDeep(events => this.events.push(events.map(changeOf))))
    }
  }

  undoManager ({ scope, joins, ignore, filter } = {}) {
    if (this.undo) return this.undo
    let number = 0
    this.undo = new Y.UndoManager(scope ? this.roots.slice(0, scope) : this.roots, {
      captureTimeout: joins ? 1e12 : 0,
      trackedOrigins: new Set(['me']),
      ignoreRemoteMapChanges: ignore ?? false,
      captureTransaction: transaction => transaction.meta.get('skip') !== true,
      deleteFilter: item => !filter || item.id.clock % 5 !== 0 || item.content.type !== undefined
    })
    const rootsOf = types => [...types.keys()].filter(type => type._item === null).map(type => this.roots.indexOf(type)).sort()
    this.undo.on('stack-item-added', ({ stackItem, type, changedParentTypes }) => { stackItem.meta.set('n', ++number); this.events.push(['added', type, number, rootsOf(changedParentTypes)]) })
    this.undo.on('stack-item-updated', ({ stackItem, type }) => this.events.push(['updated', type, stackItem.meta.get('n')]))
    this.undo.on('stack-item-popped', ({ stackItem, type, changedParentTypes }) => this.events.push(['popped', type, stackItem.meta.get('n'), rootsOf(changedParentTypes)]))
    this.undo.on('stack-cleared', ({ undoStackCleared, redoStackCleared }) => this.events.push(['cleared', undoStackCleared, redoStackCleared]))
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
      case 'xmlInsert': {
        const parent = xmlParent(this, a)
        return parent.insert(b % (parent.length + 1), [xmlOf(c, word)])
      }
      case 'xmlInsertAfter': {
        const parent = xmlParent(this, a)
        return parent.insertAfter(b % 3 === 0 || parent.length === 0 ? null : parent.get(b % parent.length), [xmlOf(c, word), xmlOf(c + 1, word)])
      }
      case 'xmlDelete': {
        const parent = xmlParent(this, a)
        return remove(parent, b, c)
      }
      case 'xmlAttribute': {
        const elements = this.xml.querySelectorAll('p')
        if (elements.length === 0) return
        const element = elements[a % elements.length]
        return c % 4 === 0 ? element.removeAttribute('a' + b % 3) : element.setAttribute('a' + b % 3, c % 3 === 0 ? b % 50 : word(c))
      }
      case 'xmlText': {
        const texts = [...this.xml.createTreeWalker(type => type instanceof Y.XmlText)]
        if (texts.length === 0) return
        const text = texts[a % texts.length]
        if (c % 4 === 0) return remove(text, b, c)
        if (c % 4 === 1 && text.length > 0) return text.format(b % text.length, 1 + c % Math.min(4, text.length - b % text.length), { em: c % 3 === 0 ? { class: 'x' + b % 2 } : c % 3 === 1 ? true : null })
        return text.insert(b % (text.length + 1), word(c))
      }
      case 'textAttribute': return c % 3 === 0 ? rich.removeAttribute('a' + a % 2) : rich.setAttribute('a' + a % 2, word(b))
      case 'richType': return rich.insertEmbed(a % (rich.length + 1), new Y.Map([['n', b % 9]]), c % 2 ? attributes(c) : {})
      case 'subdoc': {
        const doc = new Y.Doc({ guid: 'g' + b % 1000, autoLoad: c % 2 === 0, shouldLoad: c % 3 !== 0, ...(c % 5 === 0 ? { meta: { m: b % 7 } } : {}), gc: c % 7 !== 0 })
        return c % 4 < 2 ? map.set('d' + a % 2, doc) : array.insert(a % (array.length + 1), [doc])
      }
      case 'subdocLoad': {
        const docs = [...this.doc.subdocs].sort((a, b) => a.guid < b.guid ? -1 : a.guid > b.guid ? 1 : 0)
        if (docs.length === 0) return
        const doc = docs[a % docs.length]
        return c % 3 === 0 ? doc.destroy() : doc.load()
      }
      case 'stopCapturing': return this.undo?.stopCapturing()
      case 'clearSteps': return a % 5 === 0 ? this.undo?.clear(b % 2 === 0, c % 2 === 0) : undefined
      case 'skip': return b % 2 === 0 ? this.doc._transaction.meta.set('skip', true) : undefined
      case 'clear': return a % 7 === 0 ? map.clear() : undefined
      default: throw new Error('unknown operation ' + name)
    }
  }
}

const remove = (list, a, b) => {
  if (list.length === 0) return
  const index = a % list.length
  list.delete(index, 1 + b % Math.min(5, list.length - index))
}
const xmlParent = ({ xml }, a) => {
  const parents = [xml, ...xml.createTreeWalker(type => type instanceof Y.XmlElement)]
  return parents[a % parents.length]
}
const xmlOf = (n, word) => {
  switch (n % 6) {
    case 0: { const element = new Y.XmlElement('P'); element.setAttribute('a0', word(n)); element.insert(0, [new Y.XmlText(word(n + 1))]); return element }
    case 1: return new Y.XmlElement('p')
    case 2: { const hook = new Y.XmlHook('h' + n % 2); hook.set('k', n % 10); return hook }
    case 3: { const element = new Y.XmlElement('img'); element.setAttribute('src', word(n)); element.setAttribute('w', n % 100); return element }
    default: return new Y.XmlText(word(n))
  }
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

const outline = xml => [...xml.createTreeWalker(() => true)].map(node =>
  [node.nodeName ?? node.hookName ?? '#text', node.parent === xml ? null : node.parent.nodeName, node.nextSibling?.toJSON() ?? null, node.prevSibling?.toJSON() ?? null, node.firstChild?.toJSON() ?? null])
const state = ({ doc, map, array, text, rich, xml }) => ({
  json: plain({
    map: map.toJSON(), array: array.toJSON(), text: text.toJSON(), rich: rich.toJSON(), xml: xml.toJSON(), outline: outline(xml), attributes: rich.getAttributes(),
    subdocs: [...doc.getSubdocGuids()].sort()
  }),
  delta: delta(rich.toDelta()),
  vector: base64(Y.encodeStateVector(doc)),
  update: base64(Y.encodeStateAsUpdate(doc)),
  updateV2: base64(Y.encodeStateAsUpdateV2(doc)),
  pending: doc.store.pendingStructs !== null || doc.store.pendingDs !== null
})
// Of deleted values of one key that have merged Yjs takes the last, whatever the snapshot says, unless they are cut as it cuts texts.
const mapAt = (doc, map, then) => doc.transact(transaction => {
  then.sv.forEach((clock, client) => clock < Y.getState(doc.store, client) && Y.getItemCleanStart(transaction, Y.createID(client, clock)))
  Y.iterateDeletedStructs(transaction, then.ds, () => {})
  return Y.typeMapGetAllSnapshot(map, then)
}, 'cleanup')
const taken = (replica, extra) => {
  const { updates, others, events, subdocs } = replica
  replica.updates = []
  replica.others = []
  replica.subdocs = []
  replica.events = []
  return { updates, others, events, subdocs, ...extra }
}

const AsyncFunction = (async () => {}).constructor

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
  track: request => { replicas.get(request.doc).undoManager(request); return {} },
  state: request => state(replicas.get(request.doc)),
  encode: request => {
    const { doc, v2 } = replicas.get(request.doc)
    return { update: base64((v2 ? Y.encodeStateAsUpdateV2 : Y.encodeStateAsUpdate)(doc, bytes(request.vector))) }
  },
  snapshot: request => {
    const { doc, snapshots } = replicas.get(request.doc)
    const taken = Y.snapshot(doc)
    snapshots.push(taken)
    return { v1: base64(Y.encodeSnapshot(taken)), v2: base64(Y.encodeSnapshotV2(taken)) }
  },
  // What the document was at a snapshot (decoded again from its bytes), and what has changed since.
  history: request => {
    const { doc, rich, map, snapshots } = replicas.get(request.doc)
    return {
      snapshots: snapshots.map((taken, index) => {
        const then = index % 2 ? Y.decodeSnapshot(Y.encodeSnapshot(taken)) : Y.decodeSnapshotV2(Y.encodeSnapshotV2(taken))
        const restored = doc.gc ? null : Y.createDocFromSnapshot(doc, then)
        const restoredRich = restored?.getText('rich').toDelta()
        return {
          same: Y.equalSnapshots(then, taken),
          sameAsFirst: Y.equalSnapshots(then, snapshots[0]),
          contains: Y.snapshotContainsUpdate(then, Y.encodeStateAsUpdate(doc)),
          delta: delta(rich.toDelta(then)),
          since: delta(rich.toDelta(undefined, then)),
          between: delta(rich.toDelta(then, snapshots[0])),
          user: delta(rich.toDelta(then, snapshots[0], (type, id) => ({ type, user: id.client }))),
          // A key whose value has been collected comes as undefined.
          map: plain(Object.fromEntries(Object.entries(mapAt(doc, map, then)).filter(([, value]) => value !== undefined))),
          restored: restored && {
            json: plain({ map: restored.getMap('map').toJSON(), array: restored.getArray('array').toJSON(), xml: restored.getXmlFragment('xml').toJSON() }),
            delta: delta(restoredRich),
            update: base64(Y.encodeStateAsUpdate(restored))
          }
        }
      })
    }
  },
  // Positions that are kept, as bytes and JSON, and where all kept ones are now.
  position: request => {
    const replica = replicas.get(request.doc)
    const targets = [replica.array, replica.text, replica.rich, replica.xml, ...nestedTypes(replica).filter(type => !(type instanceof Y.Map))]
    for (const [which, index, assoc] of request.positions) {
      const target = targets[which % targets.length]
      replica.positions.push(Y.createRelativePositionFromTypeIndex(target, index % (target.length + 1), assoc))
    }
    return {
      positions: replica.positions.map(position => [base64(Y.encodeRelativePosition(position)), JSON.stringify(Y.relativePositionToJSON(position))]),
      resolved: replica.positions.flatMap(position => [true, false].map(follow => {
        const found = Y.createAbsolutePositionFromRelativePosition(Y.decodeRelativePosition(Y.encodeRelativePosition(position)), replica.doc, follow)
        return found && [found.index, found.assoc, plain(found.type.toJSON())]
      }))
    }
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
  obfuscate: request => ({ update: base64((request.v2 ? Y.obfuscateUpdateV2 : Y.obfuscateUpdate)(bytes(request.update), request.options)) }),
  // Runs a piece of JavaScript on a new document.
  script: async request => {
    const doc = new Y.Doc({ gc: request.gc ?? true })
    doc.clientID = request.clientId ?? 1
    const updates = []
    doc.on('update', update => updates.push(base64(update)))
    const result = await new AsyncFunction('Y', 'doc', request.code)(Y, doc)
    return { update: base64(Y.encodeStateAsUpdate(doc)), vector: base64(Y.encodeStateVector(doc)), updates, result }
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

createInterface({ input: process.stdin }).on('line', async line => {
  let answer
  try {
    const request = JSON.parse(line)
    answer = await commands[request.command](request)
  } catch (error) {
    answer = { error: String(error?.stack ?? error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
})
