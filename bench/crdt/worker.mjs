// The workloads in one of the peers: node --expose-gc worker.mjs yjs|ywasm. Reads commands from stdin and answers on stdout, a line of
// JSON each; Worker.cs does the same in our engine, and Shape in Workload.cs says what is timed.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { isDeepStrictEqual } from 'node:util'

let wasmMemory
const peers = {
  yjs: async () => {
    const Y = await import('yjs')
    return {
      version: JSON.parse(readFileSync(new URL('../../node_modules/yjs/package.json', import.meta.url))).version,
      held: () => process.memoryUsage().heapUsed,
      create: (format, clientId, onUpdate) => {
        const doc = new Y.Doc()
        doc.clientID = clientId
        doc.on(format === 'v2' ? 'updateV2' : 'update', update => onUpdate(update))
        const [text, array, map] = [doc.getText('text'), doc.getArray('array'), doc.getMap('map')]
        return {
          insertText: (index, value) => text.insert(index, value),
          deleteText: (index, length) => text.delete(index, length),
          insertArray: (index, values) => array.insert(index, values),
          setMap: (key, value) => map.set(key, value),
          apply: update => format === 'v2' ? Y.applyUpdateV2(doc, update) : Y.applyUpdate(doc, update),
          encode: () => format === 'v2' ? Y.encodeStateAsUpdateV2(doc) : Y.encodeStateAsUpdate(doc),
          transact: body => doc.transact(body),
          read: kind => kind === 'text' ? text.toString() : kind === 'array' ? array.toArray() : map.toJSON(),
          free: () => doc.destroy()
        }
      }
    }
  },
  ywasm: async () => {
    const Instance = WebAssembly.Instance
    WebAssembly.Instance = class extends Instance { // the module keeps its memory to itself
      constructor (...given) {
        super(...given)
        wasmMemory = this.exports.memory
      }
    }
    const { default: Y } = await import('ywasm')
    return {
      version: JSON.parse(readFileSync(new URL('../../node_modules/ywasm/package.json', import.meta.url))).version,
      held: () => process.memoryUsage().heapUsed + wasmMemory.buffer.byteLength,
      create: (format, clientId, onUpdate) => {
        const doc = new Y.YDoc({ clientID: clientId })
        if (format === 'v2') doc.onUpdateV2(update => onUpdate(update))
        else doc.onUpdate(update => onUpdate(update))
        const [text, array, map] = [doc.getText('text'), doc.getArray('array'), doc.getMap('map')]
        let open = null
        const transact = body => {
          if (open) return body()
          open = doc.beginTransaction(null)
          try { body() } finally {
            const finished = open
            finished.free()
            open = null
          }
        }
        return {
          insertText: (index, value) => transact(() => text.insert(index, value, null, open)),
          deleteText: (index, length) => transact(() => text.delete(index, length, open)),
          insertArray: (index, values) => transact(() => array.insert(index, values, open)),
          setMap: (key, value) => transact(() => map.set(key, value, open)),
          apply: update => transact(() => format === 'v2' ? open.applyV2(update) : open.applyV1(update)),
          encode: () => format === 'v2' ? Y.encodeStateAsUpdateV2(doc) : Y.encodeStateAsUpdate(doc),
          transact,
          read: kind => kind === 'text' ? text.toString() : kind === 'array' ? array.toJson() : map.toJson(),
          free: () => doc.free()
        }
      }
    }
  }
}
const engine = await peers[process.argv[2]]()

const firstClient = 4_000_000_001
const change = (doc, [kind, at, value]) => {
  if (kind === 'i') doc.insertText(at, value)
  else if (kind === 'd') doc.deleteText(at, value)
  else if (kind === 'a') doc.insertArray(at, value)
  else doc.setMap(at, value)
}
const changeAll = (doc, operations) => { for (let i = 0; i < operations.length; i++) change(doc, operations[i]) }
const check = (a, b) => { if (!isDeepStrictEqual(a, b)) throw new Error('The documents differ.') }
const digest = bytes => createHash('sha256').update(bytes).digest('hex')

// Each makes its documents, does the untimed part and returns them with the time of the rest.
const shapes = {
  Relay: ({ operations: [operations], content }, format) => {
    const updates = []
    const doc = engine.create(format, firstClient, update => updates.push(update))
    const second = engine.create(format, firstClient + 1, () => {})
    const clock = performance.now()
    changeAll(doc, operations)
    for (const update of updates) second.apply(update)
    check(doc.read(content), second.read(content))
    return { time: performance.now() - clock, docs: [doc, second], updates: updates.length, updateBytes: updates.reduce((sum, update) => sum + update.length, 0) }
  },
  Exchange: ({ operations, content, initial }, format) => {
    let [updates, updateBytes, busy] = [0, 0, false]
    const send = other => update => {
      if (busy) return
      busy = true
      updates++
      updateBytes += update.length
      docs[other].apply(update)
      busy = false
    }
    const docs = [engine.create(format, firstClient, send(1)), engine.create(format, firstClient + 1, send(0))]
    docs[0].insertText(0, initial)
    ;[updates, updateBytes] = [0, 0]
    const clock = performance.now()
    docs[0].transact(() => changeAll(docs[0], operations[0]))
    docs[1].transact(() => changeAll(docs[1], operations[1]))
    check(docs[0].read(content), docs[1].read(content))
    return { time: performance.now() - clock, docs, updates, updateBytes }
  },
  Gather: ({ operations, content }, format) => {
    const updates = []
    let closed = false
    const docs = operations.map((_, i) => engine.create(format, firstClient + i, update => { if (!closed) updates.push(update) }))
    docs.forEach((doc, i) => changeAll(doc, operations[i]))
    closed = true
    docs[0].transact(() => updates.forEach(update => docs[0].apply(update)))
    const clock = performance.now()
    docs[1].transact(() => updates.forEach(update => docs[1].apply(update)))
    check(docs[0].read(content), docs[1].read(content))
    return { time: performance.now() - clock, docs, updates: updates.length, updateBytes: updates.reduce((sum, update) => sum + update.length, 0) }
  },
  Replay: ({ operations: [operations], content, times }, format) => {
    let [updates, updateBytes] = [0, 0]
    const doc = engine.create(format, firstClient, update => { updates++; updateBytes += update.length })
    const clock = performance.now()
    for (let i = 0; i < times; i++) changeAll(doc, operations)
    doc.read(content)
    return { time: performance.now() - clock, docs: [doc], updates, updateBytes }
  }
}

const run = (workload, format) => {
  globalThis.gc()
  const { docs, ...result } = shapes[workload.shape](workload, format)
  let clock = performance.now()
  const state = docs[0].encode()
  const encode = performance.now() - clock
  clock = performance.now()
  const loaded = engine.create(format, 1, () => {})
  loaded.apply(state)
  const content = loaded.read(workload.content)
  const parse = performance.now() - clock
  check(content, docs[0].read(workload.content))
  for (const doc of [...docs, loaded]) doc.free()
  return { ...result, encode, parse, size: state.length, state: digest(state), content: digest(typeof content === 'string' ? content : JSON.stringify(content, inOrder)), bytes: state }
}

// What one more document takes: the first one loaded is not counted, as it also brings code and buffers into being.
const retained = (path, format, copies) => {
  const state = readFileSync(path)
  const docs = []
  let held
  for (let i = 0; i <= copies; i++) {
    if (i === 1) {
      globalThis.gc()
      held = engine.held()
    }
    docs.push(engine.create(format, 1, () => {}))
    docs[i].apply(new Uint8Array(state))
  }
  globalThis.gc()
  return { retained: Math.max(0, (engine.held() - held) / copies), kept: docs.length }
}

// The keys of objects in their order: ywasm gives them in one that differs from run to run.
function inOrder (_, value) {
  return value && value.constructor === Object ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)) : value
}

let workload
const commands = {
  version: () => ({ version: engine.version }),
  load: ({ path }) => { workload = JSON.parse(readFileSync(path)); return {} },
  warmUp: ({ format, runs, seconds, steps }) => {
    const begin = performance.now()
    const part = steps === 0 ? workload : { ...workload, operations: workload.operations.map(operations => operations.slice(0, steps)) }
    for (let i = 0; i < runs || performance.now() - begin < seconds * 1000; i++) run(part, format)
    return {}
  },
  run: ({ format, path }) => {
    const { bytes, ...result } = run(workload, format)
    if (path) writeFileSync(path, bytes)
    return result
  },
  retained: ({ path, format, copies }) => retained(path, format, copies)
}
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  console.log(JSON.stringify(commands[command.do](command)))
}
