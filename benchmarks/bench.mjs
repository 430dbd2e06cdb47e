// Takes the figures of a running Sandlot. Called by ./run, which starts the server and sets the environment.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { Sandbox } from 'e2b'
import { buildBenches } from './builds.mjs'
import { envdBenches } from './envd.mjs'
import { row, single, table, timed } from './figures.mjs'
import { runCommand } from './plain.mjs'
import { status } from './server.mjs'
import { startBenches } from './start.mjs'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'docker-image': { type: 'string' },
    sandboxes: { type: 'string', default: '100' },
    'soak-commands': { type: 'string', default: '100000' },
  },
})
const scale = (n) => (options.quick ? Math.ceil(n / 5) : n)

const api = (method, path, body) =>
  fetch(process.env.E2B_API_URL + path, {
    method,
    headers: { 'X-API-Key': process.env.E2B_API_KEY, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  })

async function madeByHttp(timeout = 600) {
  const answer = await api('POST', '/v2/sandboxes', { templateID: 'base', timeout })
  if (answer.status !== 201) throw new Error(`create: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

const createByHttp = async () => (await madeByHttp()).sandboxID

const killById = async (id) => {
  const answer = await api('DELETE', `/sandboxes/${id}`)
  if (answer.status !== 204) throw new Error(`kill: ${answer.status}`)
}

const benches = {
  async create() {
    const samples = []
    for (let i = 0; i < scale(100); i++) {
      const { ms, value } = await timed(() => Sandbox.create())
      samples.push(ms)
      await value.kill()
    }
    return [row('create → 201, one at a time', 'ms', samples)]
  },

  async tti() {
    const samples = []
    for (let i = 0; i < scale(50); i++) {
      const { ms, value } = await timed(async () => {
        const s = await Sandbox.create()
        await s.commands.run('node -v')
        return s
      })
      samples.push(ms)
      await value.kill()
    }
    return [row('create → first `node -v` (TTI)', 'ms', samples)]
  },

  async burst() {
    const count = scale(100)
    const begin = performance.now()
    const outcomes = await Promise.allSettled(
      Array.from({ length: count }, async () => ({ id: await createByHttp(), ms: performance.now() - begin })),
    )
    const done = outcomes.filter((o) => o.status === 'fulfilled').map((o) => o.value)
    await Promise.all(done.map((d) => killById(d.id)))
    return [row(`burst of ${count} creates`, 'ms', done.map((d) => d.ms), { note: `${count - done.length} failed` })]
  },

  async sustained() {
    const seconds = options.quick ? 4 : 15
    const end = performance.now() + seconds * 1000
    let created = 0
    const worker = async () => {
      while (performance.now() < end) {
        const id = await createByHttp()
        created++
        await killById(id)
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    return [single('sustained create + kill, 8 at once', '1/s', created / seconds, created)]
  },

  ...envdBenches({ scale, soakCommands: Number(options['soak-commands']) }),

  async memory() {
    const count = scale(Number(options.sandboxes))
    const idle = []
    await createByHttp().then(killById)
    const before = memory()
    for (let i = 0; i < count; i++) idle.push(await madeByHttp(3600))
    const after = memory()
    const answers = []
    for (const sandbox of idle) answers.push((await timed(() => runCommand(sandbox, 'true'))).ms)
    for (const { sandboxID } of idle) await killById(sandboxID)
    const each = (key, sign = 1) => (sign * (after[key] - before[key])) / count / 1024
    return [
      single('memory per idle sandbox, PSS', 'MiB', each('pss'), count),
      single('memory per idle sandbox, MemAvailable', 'MiB', each('available', -1), count),
      row(`first command of each of ${count} idle sandboxes`, 'ms', answers),
    ]
  },

  async docker() {
    if (!options['docker-image']) return []
    const run = (...args) => {
      const done = spawnSync('docker', ['run', ...args], { encoding: 'utf8' })
      if (done.status !== 0) throw new Error(`docker run: ${done.stderr}`)
      return done.stdout.trim()
    }
    const started = []
    const first = []
    for (let i = 0; i < scale(20); i++) {
      const { ms, value } = await timed(() => run('-d', options['docker-image'], 'sleep', '600'))
      started.push(ms)
      execFileSync('docker', ['rm', '-f', value])
      first.push((await timed(() => run('--rm', options['docker-image'], 'node', '-v'))).ms)
    }
    return [row('yardstick: docker run -d', 'ms', started), row('yardstick: docker run node -v', 'ms', first)]
  },
}

/** Memory in KiB: proportional set of the server and of everything in its control groups, and what is available. */
function memory() {
  const server = status().pid
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const ours = pids.filter((pid) => Number(pid) === server || textOf(`/proc/${pid}/cgroup`).includes('/sandlot'))
  const pss = ours.map((pid) => Number(/^Pss:\s+(\d+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)).reduce((a, b) => a + b, 0)
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(textOf('/proc/meminfo'))[1])
  return { pss, available }
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (gone) {
    if (['ENOENT', 'ESRCH'].includes(gone.code)) return ''
    throw gone
  }
}

Object.assign(benches, buildBenches({ api, scale }), startBenches({ scale }))

/** Those that take minutes and run only when they are named. */
const LONG = ['soak']

const wanted = options.only ? options.only.split(',') : Object.keys(benches).filter((name) => !LONG.includes(name))
const unknown = wanted.filter((name) => !(name in benches))
if (unknown.length > 0) {
  console.error(`no such bench: ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}`)
  process.exit(2)
}
const rows = []
const warmUp = scale(300)
for (let i = 0; i < warmUp; i++) await createByHttp().then(killById)
for (const name of wanted) {
  process.stderr.write(`… ${name}\n`)
  const load = os.loadavg()[0]
  rows.push(...(await benches[name]()).map((figures) => ({ load, ...figures })))
}
console.log(table(rows))
console.log(`after ${warmUp} creates and kills that are not counted; load is the machine's of the last minute, before the row`)
const { version } = status()
console.log(`server ${version}, ${os.cpus().length} cores, kernel ${os.release()}, node ${process.version}`)
if (options.json) {
  const machine = { cpus: os.cpus().length, memoryBytes: os.totalmem(), kernel: os.release(), node: process.version }
  writeFileSync(options.json, JSON.stringify({ taken: new Date().toISOString(), version, machine, rows }, null, 2) + '\n')
  console.error(`written: ${options.json}`)
}
