// A hundred callers make, end, join, extend and look at the same ten sandboxes at once; afterwards every view of the
// server and of the machine says the same of each. Called by acceptance/races.
import { isDeepStrictEqual } from 'node:util'
import { pick, seeded } from './seeded.mjs'
import { listed, request, views } from './views.mjs'

const [seconds, seed] = process.argv.slice(2).map(Number)
const CALLERS = 100
const SLOTS = 10
const LOOKED_AT = 300
const KEY_MARK = `r${Date.now()}`

const slots = Array.from({ length: SLOTS }, (_, number) => ({ number, generation: 0, id: undefined }))
const seen = new Set()
const killed = new Set()
const counts = {}
const problems = []

function problem(text) {
  problems.push(text)
  if (problems.length <= 20) console.log(`PROBLEM ${text}`)
}

/** The slot's sandbox is gone: the next create makes another, once for all who notice. */
const emptied = (slot, id) => {
  if (slot.id === id) {
    slot.id = undefined
    slot.generation++
  }
}

const post = (path, body) => request('POST', path, { body })

const actions = {
  async create(slot) {
    const generation = slot.generation
    const answer = await request('POST', '/v2/sandboxes', {
      body: { templateID: 'base', timeout: 60, metadata: { slot: String(slot.number), generation: String(generation) } },
      headers: { 'Idempotency-Key': `${KEY_MARK}-${slot.number}-${generation}` },
    })
    if (answer.status === 201) {
      const id = answer.body.sandboxID
      seen.add(id)
      if (slot.generation === generation) {
        if (slot.id !== undefined && slot.id !== id) problem(`one key, two sandboxes: ${slot.id}, ${id}`)
        slot.id = id
      }
    }
    return answer
  },
  async kill(slot, id) {
    const answer = await request('DELETE', `/sandboxes/${id}`)
    if (answer.status === 204) killed.add(id)
    emptied(slot, id)
    return answer
  },
  connect: (slot, id) => post(`/v2/sandboxes/${id}/connect`, { timeout: 30 }),
  oldConnect: (slot, id) => post(`/sandboxes/${id}/connect`, { timeout: 30 }),
  timeout: (slot, id, random) => post(`/sandboxes/${id}/timeout`, { timeout: Math.floor(random() * 20) }),
  refresh: (slot, id) => post(`/sandboxes/${id}/refreshes`, { duration: 30 }),
  detail: (slot, id) => request('GET', `/sandboxes/${id}`),
  async find(slot) {
    const answer = await request('GET', `/v2/sandboxes?metadata=${encodeURIComponent(`slot=${slot.number}`)}`)
    if (answer.body?.some?.((s) => s.metadata.slot !== String(slot.number))) problem('the list shows another slot')
    return answer
  },
}

const WEIGHTS = { create: 2, kill: 1, connect: 4, oldConnect: 2, timeout: 4, refresh: 4, detail: 3, find: 2 }
const DRAW = Object.entries(WEIGHTS).flatMap(([name, weight]) => Array(weight).fill(name))
const ALLOWED = {
  create: [201, 409],
  kill: [204, 404],
  connect: [200, 404, 409],
  oldConnect: [200, 404, 409],
  timeout: [204, 404, 409],
  refresh: [204, 404, 409],
  detail: [200, 404],
  find: [200],
}

async function step(random) {
  const slot = pick(random, slots)
  const { id } = slot
  const name = id === undefined ? 'create' : pick(random, DRAW)
  const answer = await actions[name](slot, id, random)
  if (!ALLOWED[name].includes(answer.status)) problem(`${name}: ${answer.status} ${JSON.stringify(answer.body)}`)
  if (answer.status === 404) emptied(slot, id)
  counts[`${name} ${answer.status}`] = (counts[`${name} ${answer.status}`] ?? 0) + 1
}

const end = Date.now() + seconds * 1000
async function caller(number) {
  const random = seeded(seed + number)
  while (Date.now() < end) await step(random).catch((e) => problem(`${e.name}: ${e.message} ${e.cause ?? ''}`))
}

console.log(`${CALLERS} callers on ${SLOTS} sandboxes for ${seconds} s, seed ${seed}`)
await Promise.all(Array.from({ length: CALLERS }, (_, i) => caller(i)))

// What is left is given a long life, so that none ends while it is looked at.
for (const id of await listed()) await post(`/sandboxes/${id}/timeout`, { timeout: 600 })
for (let left = await listed(), before; !isDeepStrictEqual(before, left); ) [before, left] = [left, await listed()]
const wanted = await listed()
const saw = await views([...seen].slice(-LOOKED_AT))
for (const name of ['all', 'old', 'details', 'operator', 'machine'])
  if (!isDeepStrictEqual(saw[name], wanted)) problem(`view ${name}: ${saw[name]}, not ${wanted}`)
for (const name of ['counted', 'onNodes', 'header'])
  if (saw[name] !== wanted.length) problem(`view ${name}: ${saw[name]}, not ${wanted.length}`)
for (const id of wanted) {
  if (!seen.has(id)) problem(`${id} runs and was told to nobody`)
  if (killed.has(id)) problem(`${id} runs and was killed`)
}
if (saw.leftovers.length > 0) problem(`leftovers: ${JSON.stringify(saw.leftovers)}`)
await Promise.all(wanted.map((id) => request('DELETE', `/sandboxes/${id}`)))
if ((await listed()).length > 0) problem('some are left after all were killed')

const calls = Object.values(counts).reduce((a, b) => a + b, 0)
console.log(`${calls} calls, ${seen.size} sandboxes, ${wanted.length} at the end; ${problems.length} problems`)
console.log(JSON.stringify(counts))
process.exit(problems.length === 0 ? 0 : 1)
