import { execFile } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { promisify } from 'node:util'

const SANDLOT = new URL('../../sandlot', import.meta.url).pathname
const run = promisify(execFile)
const base = process.env.E2B_API_URL

/** Calls the API; an answer of any status is an answer, only a broken connection throws. */
export async function request(method, path, { body, headers = {}, limitMs = 75_000 } = {}) {
  const answer = await fetch(base + path, {
    method,
    headers: { 'X-API-Key': process.env.E2B_API_KEY, 'Content-Type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(limitMs),
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) }
}

const operator = { 'X-Admin-Token': process.env.ADMIN_TOKEN ?? '' }

/** A command of the operator on the server under test. */
export const sandlot = (...args) => run(SANDLOT, [...args, '--data-dir', process.env.SANDLOT_TEST_DATA])

/** The IDs that the paged list tells of. */
export async function listed(query = '') {
  const ids = []
  let token = ''
  do {
    const page = await request('GET', `/v2/sandboxes?limit=100${query}${token && `&nextToken=${encodeURIComponent(token)}`}`)
    if (page.status !== 200) throw new Error(`list: ${page.status} ${JSON.stringify(page.body)}`)
    ids.push(...page.body.map((s) => s.sandboxID))
    token = page.headers.get('X-Next-Token') ?? ''
  } while (token !== '')
  return ids.sort()
}

/** The sandboxes with a living first process, by the control group of their server: group → IDs. */
async function processes() {
  const found = new Map()
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (!line.startsWith('/dev/.sandlot/init')) continue
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
    const [, server, id] = /\/(sandlot-[^/\n]+)\/(i[a-z0-9]{20})/.exec(groups) ?? []
    if (id) found.set(server, (found.get(server) ?? new Set()).add(id))
  }
  return found
}

/** The IDs of the sandboxes that really run under the server which runs one of those. */
export async function onMachine(known) {
  for (const ids of (await processes()).values()) if (known.some((id) => ids.has(id))) return [...ids].sort()
  return []
}

/** What every view says runs; they agree when all hold the same IDs and numbers. */
export async function views(candidates) {
  const all = await listed()
  const old = (await request('GET', '/sandboxes')).body.map((s) => s.sandboxID).sort()
  const asked = [...new Set([...candidates, ...all])]
  const details = []
  const judged = []
  for (const id of asked) {
    const detail = await request('GET', `/sandboxes/${id}`)
    if (detail.status === 200) details.push(id)
    const told = await request('GET', `/admin/sandboxes/${id}`, { headers: operator })
    if (told.status === 200 && told.body.state === 'running') judged.push(id)
  }
  const counts = (await request('GET', '/admin/sandboxes/running-counts', { headers: operator })).body
  const nodes = (await request('GET', '/nodes', { headers: operator })).body
  return {
    all,
    old,
    details: details.sort(),
    operator: judged.sort(),
    machine: await onMachine(asked),
    counted: sum(counts),
    onNodes: nodes.reduce((n, node) => n + node.sandboxCount, 0),
    header: Number((await request('GET', '/v2/sandboxes?state=running')).headers.get('X-Total-Running')),
    leftovers: JSON.parse((await sandlot('doctor', '--leaks', '--json').catch((e) => e)).stdout).leftovers,
  }
}

const sum = (counts) => Object.values(counts).reduce((n, count) => n + count, 0)
