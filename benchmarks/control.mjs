// Takes the figures of the control plane, on SQLite and on PostgreSQL side by side. Called by ./control, which starts
// a server on each; both are asked in turn, so that what else the machine does falls on both alike.
import { parseArgs } from 'node:util'
import { writeFileSync } from 'node:fs'
import { row, single, table, timed } from './figures.mjs'

const { values: options } = parseArgs({
  options: {
    servers: { type: 'string' },
    running: { type: 'string', default: '1000' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})

/** Each: name, url, key. */
const servers = JSON.parse(options.servers)
const count = options.quick ? 50 : Number(options.running)
const samples = options.quick ? 40 : 300
const mixedSeconds = options.quick ? 3 : 20
const CLIENTS = 50

async function call(server, method, path, body) {
  const answer = await fetch(server.url + path, {
    method,
    headers: { 'X-API-Key': server.key, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  })
  const text = await answer.text()
  return { status: answer.status, next: answer.headers.get('X-Next-Token'), body: text === '' ? undefined : JSON.parse(text) }
}

async function expected(status, server, ...request) {
  const answer = await call(server, ...request)
  if (answer.status !== status) throw new Error(`${server.name}: ${request.slice(0, 2).join(' ')}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer
}

const create = async (server) =>
  (await expected(201, server, 'POST', '/v2/sandboxes', { templateID: 'base', timeout: 3600, metadata: { of: 'bench' } })).body.sandboxID
const kill = (server, id) => expected(204, server, 'DELETE', `/sandboxes/${id}`)

/** Does the action for all numbers below n, a few at once. */
async function many(n, atOnce, action) {
  let next = 0
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < n) await action(next++)
  }))
}

async function listAll(server) {
  let seen = 0
  for (let next = ''; next !== null; ) {
    const page = await expected(200, server, 'GET', `/v2/sandboxes?limit=100${next && `&nextToken=${encodeURIComponent(next)}`}`)
    seen += page.body.length
    next = page.next
  }
  return seen
}

const rows = []
const figures = (name, times) => rows.push(row(name, 'ms', times))

/** The same measurement on every server, sample by sample in turn. */
async function inTurn(name, action, n = samples) {
  const times = new Map(servers.map((s) => [s, []]))
  for (let i = -5; i < n; i++) {
    for (const server of servers) {
      const { ms } = await timed(() => action(server, Math.max(i, 0)))
      if (i >= 0) times.get(server).push(ms)
    }
  }
  for (const [server, ms] of times) figures(`${name}, ${server.name}`, ms)
}

/** Fifty clients: mostly reads, some extensions, some whole lives. */
async function mixed(server, ids) {
  const times = { all: [], read: [], extend: [], life: [] }
  let errors = 0
  const end = performance.now() + mixedSeconds * 1000
  await Promise.all(Array.from({ length: CLIENTS }, async (_, client) => {
    for (let i = client; performance.now() < end; i++) {
      const id = ids[(i * 7919) % ids.length]
      const [kind, action] =
        i % 20 === 0 ? ['life', async () => kill(server, await create(server))]
        : i % 5 === 0 ? ['extend', () => expected(204, server, 'POST', `/sandboxes/${id}/timeout`, { timeout: 3000 + (i % 500) })]
        : i % 3 === 0 ? ['read', () => expected(200, server, 'GET', '/v2/sandboxes?limit=20')]
        : ['read', () => expected(200, server, 'GET', `/sandboxes/${id}`)]
      try {
        const { ms } = await timed(action)
        times[kind].push(ms)
        times.all.push(ms)
      } catch (e) {
        if (errors++ === 0) console.error(String(e))
      }
    }
  }))
  const note = `${errors} errors`
  rows.push(row(`${CLIENTS} clients mixed, all calls, ${server.name}`, 'ms', times.all, { note }))
  for (const kind of ['read', 'extend', 'life']) figures(`${CLIENTS} clients mixed, ${kind}, ${server.name}`, times[kind])
  rows.push(single(`${CLIENTS} clients mixed, ${server.name}`, '1/s', times.all.length / mixedSeconds, times.all.length))
}

const made = new Map()
try {
  for (const server of servers) {
    const ids = []
    made.set(server, ids)
    const { ms } = await timed(() => many(count, 8, async () => ids.push(await create(server))))
    rows.push(single(`${count} sandboxes started, 8 at once, ${server.name}`, 's', ms / 1000, count))
  }
  await inTurn(`list all of ${count} running, pages of 100`, async (server) => {
    const seen = await listAll(server)
    if (seen !== made.get(server).length) throw new Error(`${server.name}: ${seen} listed`)
  }, Math.ceil(samples / 10))
  await inTurn(`list first page of 100, ${count} running`, (server) => expected(200, server, 'GET', '/v2/sandboxes?limit=100'))
  await inTurn(`list by metadata, old form, ${count} running`, (server) => expected(200, server, 'GET', '/sandboxes?metadata=of%3Dnone'))
  await inTurn('detail', (server, i) => {
    const ids = made.get(server)
    return expected(200, server, 'GET', `/sandboxes/${ids[i % ids.length]}`)
  })
  await inTurn('set timeout', (server, i) => {
    const ids = made.get(server)
    return expected(204, server, 'POST', `/sandboxes/${ids[i % ids.length]}/timeout`, { timeout: 3000 + (i % 500) })
  })
  for (const server of servers) {
    // Room below the team's limit for the lives that the clients make.
    if (count > CLIENTS) await Promise.all(made.get(server).splice(-CLIENTS).map((id) => kill(server, id)))
    await mixed(server, made.get(server))
  }
} finally {
  for (const [server, ids] of made) await many(ids.length, 8, (i) => kill(server, ids[i]).catch((e) => console.error(String(e))))
}
console.log(table(rows))
if (options.json) writeFileSync(options.json, JSON.stringify({ taken: new Date().toISOString(), rows }, null, 2))
