import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { promisify } from 'node:util'
import { Sandbox, SandboxNotFoundError, NotFoundError } from 'e2b'
import { eventually, getThroughHost, sandbox } from './support.mjs'

const SANDLOT = new URL('../../sandlot', import.meta.url).pathname
const DATA = process.env.SANDLOT_TEST_DATA
const COUNT = 50
const START_LIMIT_MS = 10_000
const run = promisify(execFile)

const idle = []
const seen = []
let counter, counting, web, serving, short, shortEnd, startMs

const sandlot = (...args) => run(SANDLOT, [...args, '--data-dir', DATA])
const status = async () => JSON.parse((await sandlot('status', '--json')).stdout)
const numbers = (text) => text.split('\n').filter((line) => line !== '').map(Number)

async function isServing() {
  try {
    return (await fetch(process.env.E2B_API_URL + '/health')).ok
  } catch {
    return false
  }
}

/** Starts the server again on its ports and returns how long it took until it served. */
async function up() {
  const door = new URL(process.env.E2B_API_URL)
  const port = Number(door.port)
  const log = openSync(`${DATA}/restart.log`, 'a')
  const began = performance.now()
  const ports = ['--port', port, '--traffic-port', port + 2, '--debug-port', port + 3].map(String)
  const server = spawn(SANDLOT, ['up', '--data-dir', DATA, ...ports], { detached: true, stdio: ['ignore', log, log] })
  server.unref()
  while (!(await isServing())) {
    assert.equal(server.exitCode, null, `the server ended; see ${DATA}/restart.log`)
    assert.ok(performance.now() - began < 60_000, 'the server does not serve')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return performance.now() - began
}

before(
  async () => {
    counter = await sandbox({ timeoutMs: 600_000 })
    await counter.files.write('/home/user/kept.txt', 'kept')
    let text = ''
    counting = await counter.commands.run('i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done', {
      background: true,
      timeoutMs: 0,
      onStdout: (chunk) => {
        text += chunk
        seen.splice(0, seen.length, ...numbers(text.slice(0, text.lastIndexOf('\n') + 1)))
      },
    })
    counting.wait().catch(() => {})
    web = await sandbox({ timeoutMs: 600_000 })
    await web.files.write('/home/user/page.txt', 'a page')
    serving = await web.commands.run('python3 -m http.server 8000 -d /home/user', { background: true, timeoutMs: 0 })
    serving.wait().catch(() => {})
    await eventually('the page', async () => (await getThroughHost(web.getHost(8000), '/page.txt')).status === 200)
    while (idle.length < COUNT - 2) {
      idle.push(...(await Promise.all([...Array(12)].map(() => sandbox({ timeoutMs: 600_000 })))))
    }
    short = await sandbox({ timeoutMs: 6_000 })
    shortEnd = (await short.getInfo()).endAt.getTime()
    await eventually('the counter', () => seen.length >= 5)

    const { pid } = await status()
    process.kill(pid, 'SIGKILL')
    await eventually('the server gone', async () => !(await isServing()))
    assert.ok(Date.now() < shortEnd, 'killed before the short one ends')
    await eventually('the end of the short one', () => Date.now() > shortEnd + 200)
    startMs = await up()
  },
  { timeout: 180_000 },
)

after(async () => {
  assert.equal((await sandlot('status', '--json').then((r) => JSON.parse(r.stdout))).healthy, true)
})

test(`it serves again soon, with ${COUNT} sandboxes`, (t) => {
  t.diagnostic(`start to serving with ${COUNT} sandboxes: ${Math.round(startMs)} ms`)
  console.log(`start to serving with ${COUNT} sandboxes: ${Math.round(startMs)} ms`)
  assert.ok(startMs < START_LIMIT_MS, `${startMs} ms`)
})

test('the same sandboxes answer', async () => {
  const all = [counter, web, ...idle]
  const answers = await Promise.all(all.map((s) => s.commands.run('echo $E2B_SANDBOX_ID')))
  assert.deepEqual(answers.map((a) => a.stdout.trim()), all.map((s) => s.sandboxId))
})

test('a client that knows only the ID gets in', async () => {
  const again = await Sandbox.connect(counter.sandboxId)
  assert.equal(await again.files.read('/home/user/kept.txt'), 'kept')
})

test('commands go on and are listed', async () => {
  const listed = await counter.commands.list()
  assert.deepEqual(listed.map((p) => p.pid), [counting.pid])
  assert.ok(listed[0].args.join(' ').includes('sleep 0.1'))
  assert.ok((await web.commands.list()).some((p) => p.pid === serving.pid))
})

test('their output goes on where it was', async () => {
  const later = []
  let text = ''
  const handle = await counter.commands.connect(counting.pid, {
    timeoutMs: 0,
    onStdout: (chunk) => {
      text += chunk
      later.splice(0, later.length, ...numbers(text.slice(0, text.lastIndexOf('\n') + 1)))
    },
  })
  handle.wait().catch(() => {})
  await eventually('later output', () => later.length >= 10)
  await handle.disconnect()
  assert.ok(later[0] > seen.at(-1), `${later[0]} comes after ${seen.at(-1)}`)
  assert.deepEqual(later, later.map((_, i) => later[0] + i))
})

test('a command from before can be ended', async () => {
  assert.equal(await counter.commands.kill(counting.pid), true)
  await eventually('gone', async () => (await counter.commands.list()).length === 0)
})

test('ports are reachable', async () => {
  const page = await getThroughHost(web.getHost(8000), '/page.txt')
  assert.deepEqual(page, { status: 200, body: 'a page' })
})

test('a sandbox whose time passed meanwhile is gone', async () => {
  await eventually('gone', async () => !(await short.isRunning()), 5_000)
  await assert.rejects(
    Sandbox.getInfo(short.sandboxId),
    (e) => e instanceof SandboxNotFoundError || e instanceof NotFoundError,
  )
})

test('timers go on', async () => {
  const one = idle[0]
  await one.setTimeout(1_500)
  await eventually('ended', async () => !(await one.isRunning()), 6_000)
})

test('new sandboxes start beside the old', async () => {
  const fresh = await sandbox()
  assert.equal((await fresh.commands.run('echo new')).stdout, 'new\n')
})

test('after the end of all nothing is left, with the server up', { timeout: 60_000 }, async () => {
  await Promise.all([counter, web, ...idle].map((s) => s.kill()))
  assert.deepEqual(JSON.parse((await sandlot('doctor', '--leaks', '--json')).stdout), { leftovers: [] })
})
