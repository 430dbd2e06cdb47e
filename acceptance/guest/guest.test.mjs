// The official JavaScript SDK in its debug mode against an envd at localhost:49983: see docs/guest.md.
import { before, test } from 'node:test'
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const { Sandbox, CommandExitError, FileNotFoundError } = createRequire(new URL('../js/package.json', import.meta.url))('e2b')
const home = process.env.SANDLOT_GUEST_DIR ?? '/tmp/sandlot-guest-test'

async function eventually(name, condition, limitMs = 10_000) {
  const end = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${name}`)
    await new Promise((r) => setTimeout(r, 50))
  }
}

let s
before(async () => {
  s = await Sandbox.create({ debug: true, apiKey: 'e2b_' + '0'.repeat(40) })
  await s.files.makeDir(home)
})

test('commands: streams, exit code, variables, stdin', async () => {
  const ok = await s.commands.run('echo out; echo err >&2; echo $ONE', { envs: { ONE: 'first' } })
  assert.deepEqual([ok.stdout, ok.stderr, ok.exitCode], ['out\nfirst\n', 'err\n', 0])
  await assert.rejects(s.commands.run('exit 3'), (e) => e instanceof CommandExitError && e.exitCode === 3)
  const cat = await s.commands.run('cat', { background: true, stdin: true })
  await s.commands.sendStdin(cat.pid, 'twö')
  await s.commands.closeStdin(cat.pid)
  assert.equal((await cat.wait()).stdout, 'twö')
})

test('commands: list, connect, kill', async () => {
  const handle = await s.commands.run('sleep 60', { background: true })
  assert.ok((await s.commands.list()).some((p) => p.pid === handle.pid))
  const second = await s.commands.connect(handle.pid)
  const ends = [handle.wait(), second.wait()].map((w) => assert.rejects(w, CommandExitError))
  assert.equal(await s.commands.kill(handle.pid), true)
  await Promise.all(ends)
})

test('commands: ten megabytes of output arrive whole', async () => {
  let n = 0
  await s.commands.run('head -c 10000000 /dev/zero | tr "\\0" x', { onStdout: (d) => (n += d.length) })
  assert.equal(n, 10_000_000)
})

test('pty: output, resize, exit', async () => {
  let text = ''
  const pty = await s.pty.create({ cols: 80, rows: 24, onData: (d) => (text += Buffer.from(d).toString()) })
  const type = (line) => s.pty.sendInput(pty.pid, new TextEncoder().encode(line + '\n'))
  await type('stty size')
  await eventually('80 columns', () => text.includes('24 80'))
  await s.pty.resize(pty.pid, { cols: 100, rows: 30 })
  await type('stty size')
  await eventually('100 columns', () => text.includes('30 100'))
  await type('exit')
  assert.equal((await pty.wait()).exitCode, 0)
})

test('files: text, binary, list, rename, remove', async () => {
  await s.files.write(`${home}/a ü.txt`, 'grüße\n')
  assert.equal(await s.files.read(`${home}/a ü.txt`), 'grüße\n')
  const data = new Uint8Array(20 * 1024 * 1024).map((_, i) => i * 31)
  await s.files.write(`${home}/big`, new Blob([data]))
  assert.deepEqual(Buffer.from(await s.files.read(`${home}/big`, { format: 'bytes' })), Buffer.from(data))
  await s.files.rename(`${home}/big`, `${home}/moved`)
  assert.ok((await s.files.list(home)).some((e) => e.name === 'moved'))
  await s.files.remove(`${home}/moved`)
  assert.equal(await s.files.exists(`${home}/moved`), false)
  await assert.rejects(s.files.read(`${home}/nothing`), FileNotFoundError)
})

test('watch: a write is told', async () => {
  const events = []
  const watch = await s.files.watchDir(home, (e) => events.push(`${e.type} ${e.name}`))
  await s.files.write(`${home}/watched.txt`, 'x')
  await eventually('event', () => events.some((e) => e.endsWith('watched.txt')))
  await watch.stop()
})

test('plain endpoints: metrics, compose, and a token by init', async () => {
  const call = (method, path, body, headers = {}) =>
    fetch('http://localhost:49983' + path, { method, headers, body: body && JSON.stringify(body) })
  const metrics = await (await call('GET', '/metrics')).json()
  assert.ok(metrics.mem_total > metrics.mem_used && metrics.cpu_count > 0)
  await s.files.write(`${home}/one`, 'one')
  await s.files.write(`${home}/two`, 'two')
  const parts = { source_paths: [`${home}/one`, `${home}/two`], destination: `${home}/whole` }
  assert.equal((await call('POST', '/files/compose', parts)).status, 200)
  assert.equal(await s.files.read(`${home}/whole`), 'onetwo')
  assert.equal((await call('POST', '/init', '{')).status, 400)
  const now = new Date().toISOString()
  assert.equal((await call('POST', '/init', { accessToken: 'secret', envVars: { A: 'b' }, timestamp: now })).status, 204)
  assert.equal((await call('GET', '/envs')).status, 401)
  assert.equal((await (await call('GET', '/envs', undefined, { 'X-Access-Token': 'secret' })).json()).A, 'b')
})
