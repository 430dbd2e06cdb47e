import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { Sandbox, SandboxNotFoundError, NotFoundError } from 'e2b'
import { eventually, getThroughHost, sandbox, streamCall } from './support.mjs'

const SANDLOT = new URL('../../sandlot', import.meta.url).pathname
const DATA = process.env.SANDLOT_TEST_DATA
const COUNT = 50
const START_LIMIT_MS = 10_000
const run = promisify(execFile)

const idle = []
const seen = []
let durable
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

/** Starts a command whose output is kept, and leaves it once it has written something. */
async function startDurable(s, script) {
  const shell = { process: { cmd: '/bin/bash', args: ['-c', script] } }
  const { messages } = await streamCall(s, 'Start', shell, { 'Sandlot-Durable': 'true' })
  let pid
  for await (const { event } of messages) {
    pid ??= event.start.pid
    if (event.data) return pid
  }
  throw new Error(`${script} wrote nothing`)
}

/** What is kept of a command and what it writes from then on: the bytes lost, and its text until `enough` says so. */
async function replay(s, pid, enough) {
  const { headers, messages } = await streamCall(s, 'Connect', { process: { pid } }, { 'Sandlot-Replay': 'true' })
  let text = ''
  let end
  for await (const { event } of messages) {
    text += Buffer.from(event?.data?.stdout ?? '', 'base64')
    end ??= event?.end
    if (enough(text)) break
  }
  return { lost: Number(headers.get('sandlot-lost-bytes')), text, end }
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
    durable = {
      slow: await startDurable(counter, 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done'),
      fast: await startDurable(
        counter,
        `exec python3 -uc "
import sys, time
i = 0
while True:
    sys.stdout.write(''.join('%07d\\n' % n for n in range(i, i + 1000)))
    i += 1000
    time.sleep(0.01)"`,
      ),
      ended: await startDurable(counter, 'echo all of it; exit 7'),
    }
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

test('it started from the start cache, which the server before it made', async () => {
  const { pid } = await status()
  assert.match(readFileSync(`/proc/${pid}/maps`, 'utf8'), /\/start-\d+\.jsa$/m)
})

test('a client that knows only the ID gets in', async () => {
  const again = await Sandbox.connect(counter.sandboxId)
  assert.equal(await again.files.read('/home/user/kept.txt'), 'kept')
})

test('commands go on and are listed', async () => {
  const listed = await counter.commands.list()
  assert.deepEqual(listed.map((p) => p.pid).sort(), [counting.pid, durable.slow, durable.fast].sort())
  assert.ok(listed.find((p) => p.pid === counting.pid).args.join(' ').includes('sleep 0.1'))
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

test('a durable command that nobody listened to has lost nothing, whenever the server was killed', async () => {
  const before = (await replay(counter, durable.slow, (text) => text.split('\n').length > 300)).text
  const again = await replay(counter, durable.slow, (text) => text.length > before.length)
  assert.equal(again.lost, 0)
  const lines = numbers(again.text.slice(0, again.text.lastIndexOf('\n') + 1))
  assert.deepEqual(lines, lines.map((_, i) => i + 1))
})

test('of one that writes more than is kept the newest is there, in order and counted', async () => {
  const { lost, text } = await replay(counter, durable.fast, (all) => all.length > 4_000_000)
  assert.ok(lost > 0, 'it wrote more than is kept')
  const whole = text.slice((8 - (lost % 8)) % 8)
  const first = Math.ceil(lost / 8)
  const lines = whole.slice(0, whole.length - (whole.length % 8))
  for (let i = 0; i < lines.length; i += 8) {
    assert.equal(lines.slice(i, i + 8), `${String(first + i / 8).padStart(7, '0')}\n`)
  }
})

test('a durable command that had ended is still there with its end', async () => {
  const { lost, text, end } = await replay(counter, durable.ended, () => false)
  assert.deepEqual([lost, text, end.exitCode], [0, 'all of it\n', 7])
})

test('to the SDK a durable command is like any other', async () => {
  let first
  const handle = await counter.commands.connect(durable.slow, { timeoutMs: 0, onStdout: (chunk) => (first ??= chunk) })
  handle.wait().catch(() => {})
  await eventually('output', () => first !== undefined)
  assert.ok(numbers(first.split('\n')[0])[0] > 300, `nothing is replayed: ${first}`)
  await handle.disconnect()
  for (const pid of [durable.slow, durable.fast]) assert.equal(await counter.commands.kill(pid), true)
  await assert.rejects(counter.commands.connect(999_999), (e) => e instanceof NotFoundError)
})

test('a command from before can be ended', async () => {
  assert.equal(await counter.commands.kill(counting.pid), true)
  await eventually('gone', async () => (await counter.commands.list()).length === 0)
})

test('ports are reachable', async () => {
  const page = await getThroughHost(web.getHost(8000), '/page.txt')
  assert.deepEqual(page, { status: 200, type: 'text/plain', body: 'a page' })
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
