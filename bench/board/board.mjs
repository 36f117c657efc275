// Time from one person's edit to the others' screens, and what a circuit costs the server.
//
// Each person is a browser context of one Chromium with the demo board open. An edit begins with the key's own time stamp
// in the sender's page, and ends in each receiver's page with the frame after the change reached its document. All pages
// share the machine's clock. Typing is a character in a note's text, moving is an arrow key on a selected note.
//
//   node board.mjs DEMO.json STATUS.json [--quick] [--json FILE]
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import { chromium } from 'playwright-core'

const [demoFile, statusFile, ...options] = process.argv.slice(2)
const demo = JSON.parse(fs.readFileSync(demoFile, 'utf8'))
const status = JSON.parse(fs.readFileSync(statusFile, 'utf8'))
const quick = options.includes('--quick')
const output = options.includes('--json') ? options[options.indexOf('--json') + 1] : null
const EDITS = quick ? 15 : 100
const PAUSE = 250
const PASSWORD = 'correct horse battery staple'

// ---- the API, by the loopback address under the site's name: Node's resolver doesn't know *.localhost

function api(method, path, body, token) {
  return new Promise((resolve, reject) => {
    const request = http.request({
      host: '127.0.0.1', port: status.web.port, method, path: `/api/v1/${path}`,
      headers: { host: new URL(demo.url).host, 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    }, response => {
      let text = ''
      response.on('data', chunk => { text += chunk })
      response.on('end', () => response.statusCode < 300 ? resolve(text ? JSON.parse(text) : null) : reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`)))
    })
    request.on('error', reject)
    request.end(body && JSON.stringify(body))
  })
}

async function person(number) {
  const email = `person-${number}-${Date.now()}@example.com`
  const { accessToken } = await api('POST', 'auth/register', { email, displayName: `Person ${number}`, password: PASSWORD })
  const { token } = await api('POST', `organizations/${demo.organizationId}/invitations`, { email, role: 'admin' }, demo.accessToken)
  await api('POST', 'invitations/accept', { token }, accessToken)
  return email
}

// ---- pages

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(file => fs.existsSync(file)),
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run', '--disable-background-networking'],
})

async function join(email) {
  const context = await browser.newContext({ baseURL: demo.url, viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  page.setDefaultTimeout(120_000)
  await page.goto('/account/login')
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.waitForURL(url => !url.pathname.includes('/login'))
  await page.goto(`/projects/${demo.projectId}`)
  await page.locator('[data-testid=board][data-state=open]').waitFor()
  await page.locator('[data-testid=node]').first().waitFor()
  return page
}

/** Keeps, in the page, when each key went down and when each state of the watched note was drawn. */
function watch(page, id) {
  return page.evaluate(id => {
    const now = () => performance.timeOrigin + performance.now()
    globalThis.keys = []
    globalThis.drawn = new Map()
    addEventListener('keydown', event => keys.push(performance.timeOrigin + event.timeStamp), { capture: true })
    const state = () => {
      const node = document.querySelector(`.node[data-id="${id}"]`)
      return node && `${node.querySelector('.node-text')?.textContent.length ?? 0} ${node.style.transform}`
    }
    let last = state()
    new MutationObserver(() => {
      const next = state()
      if (!next || next === last) return
      last = next
      requestAnimationFrame(() => drawn.set(next, now()))
    }).observe(document.querySelector('[data-board=nodes]'), { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['style'] })
  }, id)
}

const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

/** Presses a key again and again; returns how long each press took to every receiver's screen, in milliseconds. */
async function measure(sender, receivers, key) {
  const times = []
  for (let i = 0; i < EDITS; i++) {
    for (const page of [sender, ...receivers]) await page.evaluate(() => { keys.length = 0; drawn.clear() })
    await sender.keyboard.press(key)
    const begun = await sender.evaluate(() => keys[0])
    for (const page of receivers) {
      await page.waitForFunction(() => drawn.size > 0, null, { polling: 20 })
      times.push(await page.evaluate(() => drawn.values().next().value) - begun)
    }
    await sleep(PAUSE)
  }
  return times.sort((a, b) => a - b)
}

const percentile = (sorted, p) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] * 10) / 10

// ---- the server: /proc of Web

const hz = 100
const cpu = () => { const fields = fs.readFileSync(`/proc/${status.web.pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(fields[11]) + Number(fields[12])) * 1000 / hz }
const memory = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${status.web.pid}/status`, 'utf8'))[1]) / 1024

// ---- the runs

const rows = []
const row = (name, unit, ours) => { rows.push({ name, unit, ours, peer: null }); console.log(`${name.padEnd(58)} ${String(ours).padStart(9)} ${unit}`) }

const emails = []
for (let i = 0; i < 11; i++) emails.push(await person(i))
// The first circuit warms the server up and isn't counted.
await (await join(emails[10])).context().close()
await sleep(5000)
const memoryBefore = memory()

const pages = []
for (const people of [2, 10]) {
  while (pages.length < people) pages.push(await join(emails[pages.length]))
  await sleep(5000)
  if (people === 10) row('server memory per circuit', 'MB', Math.round((memory() - memoryBefore) / people * 10) / 10)

  const idle = cpu()
  await sleep(10_000)
  row(`server CPU per circuit, idle, ${people} people`, '% core', Math.round((cpu() - idle) / 10_000 / people * 10_000) / 100)

  const [sender, ...receivers] = pages
  const stage = sender.getByTestId('board-stage')
  await stage.focus()
  await sender.keyboard.press('n')
  await sender.mouse.click(640, 90)
  await sender.getByTestId('board-editor').waitFor()
  await sender.keyboard.type(`note ${people} `)
  const note = sender.getByTestId('node').filter({ hasText: `note ${people}` })
  await note.waitFor()
  const id = await note.getAttribute('data-id')
  for (const page of receivers) await page.locator(`.node[data-id="${id}"]`).waitFor()
  for (const page of pages) await watch(page, id)

  for (const [name, key, before] of [['typing', 'x', null], ['moving', 'ArrowRight', 'Escape']]) {
    if (before) await sender.keyboard.press(before)
    await sleep(1000)
    const started = cpu()
    const times = await measure(sender, receivers, key)
    const spent = cpu() - started
    row(`${name}: edit to screen, ${people} people, p50`, 'ms', percentile(times, 0.5))
    row(`${name}: edit to screen, ${people} people, p95`, 'ms', percentile(times, 0.95))
    row(`${name}: server CPU per edit, ${people} people`, 'ms', Math.round(spent / EDITS * 10) / 10)
  }
}
await browser.close()

if (output) {
  fs.writeFileSync(output, JSON.stringify({
    benchmark: 'board',
    at: new Date().toISOString(),
    quick,
    machine: { cpus: os.cpus().length, model: os.cpus()[0].model, memoryGB: Math.round(os.totalmem() / 2 ** 30), load: os.loadavg()[0] },
    peer: null,
    rows,
  }, null, 2) + '\n')
}
