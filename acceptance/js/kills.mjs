// Kills the server with SIGKILL at random moments while clients make, use and end sandboxes and repeat what fails.
// No sandbox may be lost or made twice, no place of the quota and no slot may leak, every client must get through.
// Called by acceptance/kills.
import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import assert from 'node:assert/strict'
import { Sandbox } from 'e2b'
import { pause, pick, seeded } from './seeded.mjs'
import { listed, request, sandlot, views } from './views.mjs'

const [rounds, seed, limit] = process.argv.slice(2).map(Number)
const DATA = process.env.SANDLOT_TEST_DATA
const CLIENTS = 10
const KEPT = 2
const LONGEST_SERVING_MS = 1_500
const PATIENCE_MS = 300_000
const random = seeded(seed)

const ledger = new Map() // ID → 'alive' or 'ending'
const counts = { creates: 0, repeats: 0, commands: 0, kills: 0, killsWhileStarting: 0 }
const problems = []
const starts = []
let stopping = false
let enough = false
let done = 0
process.on('SIGTERM', () => (enough = true)) // no more kills, then the checks

const problem = (text) => {
  problems.push(text)
  console.log(`PROBLEM ${text}`)
}

/** Repeats until the action returns something; broken connections and unready servers are what it is for. */
async function untilDone(what, action) {
  const end = Date.now() + PATIENCE_MS
  for (let wait = 50; ; wait = Math.min(2 * wait, 800)) {
    let reason
    try {
      const done = await action()
      if (done !== undefined) return done
      reason = 'not yet'
    } catch (e) {
      reason = `${e.name}: ${e.message} ${e.cause ?? ''}`
    }
    if (Date.now() > end) throw new Error(`${what} did not get through: ${reason}`)
    counts.repeats++
    await pause(wait * (0.5 + Math.random()))
  }
}

/** 503 is a server that starts, 409 a request that is still carried out: both are to be repeated. */
const settles = (answer, ...wanted) => {
  if (wanted.includes(answer.status)) return answer
  if (answer.status === 503 || answer.body?.error_code === 'idempotency_in_progress') return undefined
  problem(`${answer.status} ${JSON.stringify(answer.body)}, not ${wanted}`)
  return answer
}

async function create(client) {
  const key = randomUUID()
  const answer = await untilDone('create', async () =>
    settles(
      await request('POST', '/v2/sandboxes', {
        body: { templateID: 'base', timeout: 3600, metadata: { client: String(client) } },
        headers: { 'Idempotency-Key': key },
      }),
      201,
    ),
  )
  if (answer.status !== 201) return undefined
  const id = answer.body.sandboxID
  if (ledger.has(id)) problem(`${id} was given twice`)
  ledger.set(id, 'alive')
  counts.creates++
  return id
}

async function work(id) {
  const token = randomUUID()
  const said = await untilDone('command', async () => {
    const sandbox = await Sandbox.connect(id, { requestTimeoutMs: 10_000 })
    return (await sandbox.commands.run(`echo $E2B_SANDBOX_ID ${token} | tee -a ~/said`, { timeoutMs: 10_000 })).stdout
  })
  if (said !== `${id} ${token}\n`) problem(`${id} said ${said}`)
  counts.commands++
}

async function end(id) {
  ledger.set(id, 'ending')
  let repeated = false
  await untilDone('kill', async () => {
    const answer = settles(await request('DELETE', `/sandboxes/${id}`).finally(() => (repeated = true)), 204, 404)
    if (answer?.status === 404 && !repeated) problem(`${id} was lost`)
    return answer
  })
  ledger.delete(id)
  counts.kills++
}

async function client(number) {
  const mine = []
  while (!stopping) {
    const id = await create(number)
    if (id === undefined) return
    mine.push(id)
    await work(id)
    if (Math.random() < 0.5) await work(pick(Math.random, mine))
    while (mine.length >= KEPT) await end(mine.splice(Math.floor(Math.random() * mine.length), 1)[0])
  }
}

async function isServing() {
  try {
    return (await fetch(process.env.E2B_API_URL + '/health', { signal: AbortSignal.timeout(5_000) })).status === 200
  } catch {
    return false
  }
}

const log = openSync(`${DATA}/kills.log`, 'w')
const door = Number(new URL(process.env.E2B_API_URL).port)
const ports = ['--port', door, '--traffic-port', door + 2, '--debug-port', door + 3].map(String)

function start() {
  const program = new URL('../../sandlot', import.meta.url).pathname
  return spawn(program, ['up', '--data-dir', DATA, ...ports], { stdio: ['ignore', log, log], detached: true })
}

const gone = (child) =>
  child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : new Promise((r) => child.once('exit', r))

async function serving(server) {
  const began = performance.now()
  while (!(await isServing())) {
    if (server.exitCode !== null) throw new Error(`the server ended by itself; see ${DATA}/kills.log`)
    if (performance.now() - began > 120_000) throw new Error('the server does not serve')
    await pause(20)
  }
  starts.push(performance.now() - began)
}

/** What clients were told they have must be there; only while nobody is told otherwise. */
async function lookForLost(round) {
  const before = [...ledger].filter(([, state]) => state === 'alive').map(([id]) => id)
  const there = new Set(await untilDone('list', () => listed()))
  for (const id of before) if (ledger.get(id) === 'alive' && !there.has(id)) problem(`${id} was lost by kill ${round}`)
}

async function killOften(server) {
  for (let round = 1; round <= rounds && !enough; round++) {
    done = round
    if (random() < 0.15) {
      await pause(random() * 2_500)
      counts.killsWhileStarting++
    } else {
      await serving(server)
      await lookForLost(round)
      await pause(random() * Math.max(LONGEST_SERVING_MS, starts.at(-1) / 2))
    }
    process.kill(server.pid, 'SIGKILL')
    await gone(server)
    server = start()
    if (round % 20 === 0) console.log(`${round} kills: ${JSON.stringify({ ...counts, alive: ledger.size })}`)
  }
  await serving(server)
  return server
}

async function agree() {
  const wanted = [...ledger.keys()].sort()
  const seen = await views(wanted)
  for (const name of ['all', 'old', 'details', 'operator', 'machine'])
    try {
      assert.deepEqual(seen[name], wanted)
    } catch {
      const extra = seen[name].filter((id) => !wanted.includes(id))
      const lost = wanted.filter((id) => !seen[name].includes(id))
      problem(`view ${name}: too many ${extra}, missing ${lost}`)
    }
  for (const name of ['counted', 'onNodes', 'header'])
    if (seen[name] !== wanted.length) problem(`view ${name}: ${seen[name]}, not ${wanted.length}`)
  if (seen.leftovers.length > 0) problem(`leftovers: ${JSON.stringify(seen.leftovers)}`)
}

/** The whole quota can be had after all, and no more. */
async function wholeQuota() {
  const make = () => request('POST', '/v2/sandboxes', { body: { templateID: 'base', timeout: 600 } })
  const made = []
  for (let i = 0; i < limit; i += 5) made.push(...(await Promise.all(Array.from({ length: Math.min(5, limit - i) }, make))))
  for (const answer of made) if (answer.status !== 201) problem(`quota: ${answer.status} ${JSON.stringify(answer.body)}`)
  const over = await make()
  if (over.status !== 429) problem(`one more than the quota: ${over.status}`)
  await Promise.all(made.map((a) => a.body?.sandboxID && request('DELETE', `/sandboxes/${a.body.sandboxID}`)))
}

console.log(`${rounds} kills, seed ${seed}`)
let server = start()
await serving(server)
const clients = Array.from({ length: CLIENTS }, (_, i) =>
  client(i).catch((e) => problem(`client ${i}: ${e.message}`)))
server = await killOften(server)
stopping = true
await Promise.all(clients)
await agree()
await Promise.all([...ledger.keys()].map(work))
await Promise.all([...ledger.keys()].map(end))
await agree()
await wholeQuota()
await agree()
starts.sort((a, b) => a - b)
const at = (p) => Math.round(starts[Math.min(starts.length - 1, Math.floor(p * starts.length))])
console.log(`${done} kills: ${JSON.stringify(counts)}; start to serving p50 ${at(0.5)} ms, most ${at(1)} ms; ${problems.length} problems`)
server.unref()
process.exit(problems.length === 0 ? 0 : 1)
