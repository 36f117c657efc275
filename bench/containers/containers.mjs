// Time from asking for a container until it answers, beside `docker run` of the same image, in one run; and fifty at once.
//
// Ours begins with the request to the API and ends when the container is shown as running, which is after its service answered. The peer
// begins with `docker run` and ends when the same service answers. The two take turns, so that both meet the same load.
// Fifty at once: one organization asks for forty, then another for ten. Fair is what treats both alike: the ten don't wait for the forty.
// In the JSON a row has `ours`, `peer`, `ratio` (to what is allowed), `goal` and `met`; the last three are null where nothing is promised.
//
//   node containers.mjs FOLDER IMAGE [--quick] [--json FILE]      FOLDER has demo.json and status.json
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const [folder, image, ...options] = process.argv.slice(2)
const demo = JSON.parse(fs.readFileSync(path.join(folder, 'demo.json'), 'utf8'))
const status = JSON.parse(fs.readFileSync(path.join(folder, 'status.json'), 'utf8'))
const quick = options.includes('--quick')
const output = options.includes('--json') ? options[options.indexOf('--json') + 1] : null
const ROUNDS = quick ? 10 : 40
const run = promisify(execFile)
const sleep = time => new Promise(resolve => setTimeout(resolve, time))
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })

function api(method, route, body, token) {
  return new Promise((resolve, reject) => {
    const request = http.request({
      agent, host: '127.0.0.1', port: status.web.port, method, path: `/api/v1/${route}`,
      headers: { host: new URL(demo.url).host, ...(body && { 'content-type': 'application/json' }), ...(token && { authorization: `Bearer ${token}` }) },
    }, response => {
      let text = ''
      response.on('data', chunk => { text += chunk })
      response.on('end', () => response.statusCode < 300 ? resolve(text ? JSON.parse(text) : null) : reject(new Error(`${method} ${route}: ${response.statusCode} ${text}`)))
    })
    request.on('error', reject)
    request.end(body && JSON.stringify(body))
  })
}

const answers = address => new Promise(resolve => {
  const request = http.get({ host: address, port: 8080, path: '/', timeout: 1000 }, response => { response.resume(); resolve(response.statusCode < 500) })
  request.on('error', () => resolve(false))
  request.on('timeout', () => request.destroy())
})

async function workspace(name) {
  const session = await api('POST', 'auth/register', { email: `${name}-${Date.now()}@example.com`, displayName: name, password: 'correct horse battery staple' })
  const token = session.accessToken
  const organization = await api('POST', 'organizations', { name }, token)
  const project = await api('POST', `organizations/${organization.id}/projects`, { name }, token)
  const templates = await api('GET', `organizations/${organization.id}/templates`, null, token)
  return { token, project: project.id, template: templates.find(template => template.slug === 'image').id }
}

// Of a size of which fifty fit any machine; the demo's account, the first one, administers the installation.
const tier = (await api('POST', 'tiers', {
  name: 'bench', cpus: 0.25, memoryBytes: 64 * 2 ** 20, diskBytes: 0, pids: 512, pricePerHour: 0, enabled: true, order: 9,
}, demo.accessToken)).id
const create = ({ token, project, template }) => api('POST', `projects/${project}/containers`, { templateId: template, tierId: tier, options: { image, port: '8080' } }, token)

async function until(state, { token }, id) {
  const deadline = performance.now() + 120_000
  for (;;) {
    const container = await api('GET', `containers/${id}`, null, token)
    if (container.state === state) return container
    if (container.state === 'failed') throw new Error(`${id} failed: ${container.reason}`)
    if (performance.now() > deadline) throw new Error(`${id} is still ${container.state}: ${container.reason}`)
    await sleep(4)
  }
}

async function ours(place) {
  const began = performance.now()
  const { id } = await create(place)
  await until('running', place, id)
  const time = performance.now() - began
  await api('DELETE', `containers/${id}`, null, place.token)
  // Its removal is not to meet the other's start.
  while ((await run('docker', ['ps', '-aq', '--filter', `name=${id.replaceAll('-', '')}`])).stdout.trim()) await sleep(50)
  return time
}

async function plain(number) {
  const name = `demiurge-bench-${process.pid}-${number}`
  const began = performance.now()
  await run('docker', ['run', '-d', '--name', name, '--label', 'demiurge-bench', '--memory', '64m', '--cpus', '0.25', '--pids-limit', '512', image])
  const { stdout } = await run('docker', ['inspect', '-f', '{{.NetworkSettings.IPAddress}}', name])
  while (!await answers(stdout.trim())) await sleep(4)
  const time = performance.now() - began
  await run('docker', ['rm', '-f', name])
  return time
}

const percentile = (values, p) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * p) - 1)]
const rows = []
const rounded = (value, digits) => value === null ? null : Math.round(value * 10 ** digits) / 10 ** digits
/** `ratio` is how many times what is allowed it is; the goal of a ratio is at most 1. */
const row = (name, unit, mine, peer = null, allowed = null) => {
  const ratio = allowed === null ? null : rounded(mine / allowed, 3)
  const entry = { name, unit, ours: rounded(mine, 1), peer: rounded(peer, 1), ratio, goal: ratio === null ? null : 1, met: ratio === null ? null : ratio <= 1 }
  rows.push(entry)
  console.log(`${name.padEnd(60)} ${String(entry.ours).padStart(9)} ${String(entry.peer ?? '').padStart(9)} ${unit}${ratio === null ? '' : `  ratio ${ratio} (goal 1) ${entry.met ? 'met' : 'missed'}`}`)
}

const place = await workspace('One')
// The first makes the organization's network, and is not counted; so is the first `docker run`.
const first = await create(place)
await until('running', place, first.id)
const marks = (await run('docker', ['ps', '--format', '{{.Names}}', '--filter', `name=${first.id.replaceAll('-', '')}`])).stdout.trim()
fs.writeFileSync(path.join(folder, 'mark'), marks.split('-')[1])
await plain('warm')

const [mine, theirs] = [[], []]
for (let round = 0; round < ROUNDS; round++) {
  mine.push(await ours(place))
  theirs.push(await plain(round))
}
console.log(`${''.padEnd(60)} ${'Demiurge'.padStart(9)} ${'docker'.padStart(9)}`)
row('click to usable, p50', 'ms', percentile(mine, 0.5), percentile(theirs, 0.5))
row('click to usable, p95 (allowed: docker run + 300 ms)', 'ms', percentile(mine, 0.95), percentile(theirs, 0.95), percentile(theirs, 0.95) + 300)

const other = await workspace('Two')
const began = performance.now()
let ahead = 0
const asked = await Promise.all([...Array(40).fill(place), ...Array(10).fill(other)].map(async (owner, index) => {
  if (owner === other) {
    await sleep(300)
    if (index === 40) ahead = (await api('GET', `projects/${place.project}/containers`, null, place.token)).filter(container => container.state === 'running' && container.id !== first.id).length
  }
  return { owner, id: (await create(owner)).id, askedAt: performance.now(), index }
}))
const results = await Promise.allSettled(asked.map(async ask => {
  await until('running', ask.owner, ask.id)
  return { ...ask, time: performance.now() - began }
}))
const done = results.filter(result => result.status === 'fulfilled').map(result => result.value)
for (const { reason } of results.filter(result => result.status === 'rejected')) console.error(String(reason))
const times = owner => done.filter(ask => ask.owner === owner).map(ask => ask.time)
row('fifty at once: failed', '', 50 - done.length, null, 0.5)
row('fifty at once: all usable after', 'ms', Math.max(...done.map(ask => ask.time)))
row('fifty at once: the ten of the second organization after', 'ms', Math.max(...times(other)))
// Taking turns, the ten are through when about ten of the forty are; beside those, what was started before the ten were asked for and what is under way.
row('fifty at once: of the forty, usable when the ten were', '', times(place).filter(time => time <= Math.max(...times(other))).length, null, 10 + ahead + 8)

for (const { id, owner } of asked) await api('DELETE', `containers/${id}`, null, owner.token).catch(() => {})
if (output) {
  fs.writeFileSync(output, JSON.stringify({
    benchmark: 'containers',
    at: new Date().toISOString(),
    quick,
    machine: { cpus: os.cpus().length, model: os.cpus()[0].model, memoryGB: Math.round(os.totalmem() / 2 ** 30), load: os.loadavg()[0] },
    peer: 'docker run',
    rows,
  }, null, 2) + '\n')
}
agent.destroy()
process.exit(done.length === 50 ? 0 : 1)
