// The cases of Cases.cs in Yjs: node --expose-gc peer.mjs <trace or ''> <rounds> <only or ''>; prints JSON.
import * as Y from 'yjs'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const [, , trace, rounds, only] = process.argv
const N = 6000
let seed = 42
const next = () => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return seed }
const places = Array.from({ length: N }, next)
const words = places.map(place => String.fromCharCode(97 + place % 26).repeat(2 + place % 8))
const text = Array.from({ length: N }, (_, i) => String.fromCharCode(97 + i % 26)).join('')

const cases = [
  ['B1.1 append characters', N, (doc, i) => doc.getText('text').insert(i, text[i]), true],
  ['B1.2 insert string', 1, doc => doc.getText('text').insert(0, text), true],
  ['B1.3 prepend characters', N, (doc, i) => doc.getText('text').insert(0, text[i]), true],
  ['B1.4 insert characters at random', N, (doc, i) => doc.getText('text').insert(places[i] % (i + 1), text[i]), true],
  ['B1.5 insert words at random', N, (doc, i) => doc.getText('text').insert(places[i] % (doc.getText('text').length + 1), words[i]), true],
  ['B1.6 insert string and delete it', 2, (doc, i) => i === 0 ? doc.getText('text').insert(0, text) : doc.getText('text').delete(0, N), true],
  ['B1.7 insert and delete at random', N, (doc, i) => {
    const target = doc.getText('text')
    const at = places[i] % (target.length + 1)
    if (target.length === at || i % 2 === 0) target.insert(at, words[i])
    else target.delete(at, Math.min(9, target.length - at))
  }, true],
  ['B1.8 append numbers', N, (doc, i) => doc.getArray('array').insert(i, [places[i]]), true],
  ['B1.9 insert array', 1, doc => doc.getArray('array').insert(0, places), true],
  ['B1.10 prepend numbers', N, (doc, i) => doc.getArray('array').insert(0, [places[i]]), true],
  ['B1.11 insert numbers at random', N, (doc, i) => doc.getArray('array').insert(places[i] % (i + 1), [places[i]]), true]
]
if (trace) {
  const edits = JSON.parse(gunzipSync(readFileSync(trace))).txns.flatMap(transaction => transaction.patches)
  cases.push(['B4 edit a paper', edits.length, (doc, i) => {
    const [at, deleted, inserted] = edits[i]
    const target = doc.getText('text')
    if (deleted > 0) target.delete(at, deleted)
    if (inserted.length > 0) target.insert(at, inserted)
  }, false])
}

const median = values => values.sort((a, b) => a - b)[values.length >> 1]
const measure = ([name, steps, step, relayed]) => {
  const [times, encodes, parses] = [[], [], []]
  let size, retained
  for (let round = 0; round <= Number(rounds); round++) {
    globalThis.gc()
    const [doc, second] = [new Y.Doc(), new Y.Doc()]
    doc.clientID = 4_000_000_001
    second.clientID = 4_000_000_002
    const updates = []
    doc.on('update', update => updates.push(update))
    let clock = performance.now()
    for (let i = 0; i < steps; i++) step(doc, i)
    if (relayed) updates.forEach(update => Y.applyUpdate(second, update))
    const time = performance.now() - clock
    clock = performance.now()
    const state = Y.encodeStateAsUpdate(doc)
    const encode = performance.now() - clock
    globalThis.gc()
    const held = process.memoryUsage().heapUsed
    clock = performance.now()
    const loaded = new Y.Doc()
    Y.applyUpdate(loaded, state)
    const parse = performance.now() - clock
    globalThis.gc()
    retained = process.memoryUsage().heapUsed - held
    loaded.clientID++
    size = state.length
    if (round > 0) { times.push(time); encodes.push(encode); parses.push(parse) }
  }
  return { name, time: median(times), encode: median(encodes), parse: median(parses), size, allocated: 0, retained }
}
const chosen = cases.filter(([name]) => name.startsWith(only))
chosen.forEach(measure) // warms up
console.log(JSON.stringify(chosen.map(measure)))
