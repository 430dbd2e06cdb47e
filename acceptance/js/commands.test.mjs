import { before, test } from 'node:test'
import assert from 'node:assert/strict'
import { CommandExitError, InvalidArgumentError, NotFoundError, TimeoutError, AuthenticationError } from 'e2b'
import { eventually, getThroughHost, sandbox } from './support.mjs'

let s
before(async () => {
  s = await sandbox()
})

test('stdout, stderr and exit code', async () => {
  const ok = await s.commands.run('echo out; echo err >&2')
  assert.deepEqual([ok.stdout, ok.stderr, ok.exitCode], ['out\n', 'err\n', 0])
  await assert.rejects(s.commands.run('echo partial; exit 3'), (e) => {
    assert.ok(e instanceof CommandExitError)
    assert.equal(e.exitCode, 3)
    assert.equal(e.stdout, 'partial\n')
    return true
  })
})

test('output is streamed as it comes', async () => {
  const lines = []
  await s.commands.run('for i in 1 2 3; do echo $i; sleep 0.1; done', { onStdout: (l) => lines.push(l) })
  assert.equal(lines.join(''), '1\n2\n3\n')
  assert.ok(lines.length >= 2, `in ${lines.length} pieces`)
})

test('environment of one command stays with it', async () => {
  assert.equal((await s.commands.run('echo $ONE', { envs: { ONE: 'first' } })).stdout, 'first\n')
  assert.equal((await s.commands.run('echo -n $ONE')).stdout, '')
})

test('working directory, and one that is missing', async () => {
  assert.equal((await s.commands.run('pwd')).stdout, '/home/user\n')
  assert.equal((await s.commands.run('pwd', { cwd: '/tmp' })).stdout, '/tmp\n')
  await assert.rejects(s.commands.run('pwd', { cwd: '/not/there' }), InvalidArgumentError)
})

test('users: the default, root, and one who does not exist', async () => {
  assert.equal((await s.commands.run('whoami')).stdout, 'user\n')
  assert.equal((await s.commands.run('id -u', { user: 'root' })).stdout, '0\n')
  assert.equal((await s.commands.run('sudo -n whoami')).stdout, 'root\n')
  await assert.rejects(s.commands.run('true', { user: 'nobody-here' }), AuthenticationError)
})

test('python and node run', async () => {
  assert.equal((await s.commands.run(`python3 -c 'print(6 * 7)'`)).stdout, '42\n')
  assert.equal((await s.commands.run(`node -e 'console.log(6 * 7)'`)).stdout, '42\n')
  assert.match((await s.commands.run('node -v')).stdout, /^v20\./)
})

test('background, list, connect and kill', async () => {
  const handle = await s.commands.run('sleep 60', { background: true })
  assert.ok((await s.commands.list()).some((p) => p.pid === handle.pid))
  const second = await s.commands.connect(handle.pid)
  const ends = [handle.wait(), second.wait()].map((w) =>
    assert.rejects(w, (e) => e instanceof CommandExitError && e.exitCode === -1 && /killed/.test(e.error ?? e.message)),
  )
  assert.equal(await s.commands.kill(handle.pid), true)
  await Promise.all(ends)
  await assert.rejects(s.commands.run(`kill -0 ${handle.pid}`), CommandExitError)
  assert.equal(await s.commands.kill(handle.pid), false)
  await eventually('gone from the list', async () => !(await s.commands.list()).some((p) => p.pid === handle.pid))
  await assert.rejects(s.commands.connect(999_999), NotFoundError)
})

// envd.md 12.3, I6
test('I6 a server that runs for long is killed while another client is connected, and its stream ends', async () => {
  await s.files.write('nextapp/index.html', 'app')
  const server = await s.commands.run('exec python3 -m http.server 3000', { background: true, cwd: '~/nextapp', timeoutMs: 0 })
  const host = s.getHost(3000)
  await eventually('the server answers', async () => (await getThroughHost(host)).body === 'app')
  const second = await s.commands.connect(server.pid)
  const ends = [server.wait(), second.wait()].map((w) =>
    assert.rejects(w, (e) => e instanceof CommandExitError && e.exitCode === -1 && e.error === 'signal: killed'),
  )
  assert.equal(await s.commands.kill(server.pid), true)
  await Promise.all(ends)
  assert.deepEqual(await s.commands.list(), [])
  assert.equal((await getThroughHost(host)).status, 502)
})

test('stdin: text, end of input', async () => {
  const cat = await s.commands.run('cat', { background: true, stdin: true })
  await s.commands.sendStdin(cat.pid, 'one\n')
  await s.commands.sendStdin(cat.pid, 'twö')
  await s.commands.closeStdin(cat.pid)
  const result = await cat.wait()
  assert.equal(result.stdout, 'one\ntwö')
  assert.equal(result.exitCode, 0)
})

test('without stdin a read ends at once', async () => {
  await assert.rejects(s.commands.run('read -p ask x', { user: 'root' }), (e) => e instanceof CommandExitError && e.exitCode === 1)
})

test('a command past its timeout is a timeout error and is killed', async () => {
  await assert.rejects(s.commands.run('exec sleep 3077', { timeoutMs: 1_000 }), TimeoutError)
  await eventually('killed', async () => !(await s.commands.run('pgrep -f [s]leep.3077 || true')).stdout.trim())
})

test('leaving a command does not end it', async () => {
  const handle = await s.commands.run('sleep 1; echo done > /tmp/left', { background: true })
  await handle.disconnect()
  await eventually('finished', async () => (await s.files.exists('/tmp/left')) && (await s.files.read('/tmp/left')) === 'done\n')
})

test('special characters and broken UTF-8 survive', async () => {
  const text = `quotes " ' \` dollar $ back \\ tab\t ünïcödé 漢字 🚀`
  assert.equal((await s.commands.run('printf %s "$T"', { envs: { T: text } })).stdout, text)
  const big = await s.commands.run(`head -c 8191 /dev/zero | tr '\\0' a; printf '\\xff'`)
  assert.equal(big.stdout, 'a'.repeat(8191) + '\ufffd')
})

test('ten megabytes of output arrive whole', async () => {
  let n = 0
  await s.commands.run('head -c 10000000 /dev/zero | tr "\\0" x', { onStdout: (d) => (n += d.length) })
  assert.equal(n, 10_000_000)
})

test('pty: environment, output, resize, exit', async () => {
  let text = ''
  const decoder = new TextDecoder()
  const pty = await s.pty.create({ cols: 80, rows: 24, envs: { SHADE: 'blue' }, onData: (d) => (text += decoder.decode(d, { stream: true })) })
  const type = (line) => s.pty.sendInput(pty.pid, new TextEncoder().encode(line + '\n'))
  await type('echo colour=$SHADE')
  await eventually('echo', () => text.includes('colour=blue'))
  await type('echo cols=$(tput cols)')
  await eventually('80 columns', () => text.includes('cols=80'))
  await s.pty.resize(pty.pid, { cols: 100, rows: 30 })
  await type('echo cols=$(tput cols)')
  await eventually('100 columns', () => text.includes('cols=100'))
  await type('exit')
  assert.equal((await pty.wait()).exitCode, 0)
})

test('pty: leave, come back by pid, kill', async () => {
  const first = await s.pty.create({ cols: 80, rows: 24, onData: () => {} })
  await first.disconnect()
  let text = ''
  const again = await s.pty.connect(first.pid, { onData: (d) => (text += Buffer.from(d).toString()) })
  await s.pty.sendInput(first.pid, new TextEncoder().encode('echo back-$((40+2))\n'))
  await eventually('answer', () => text.includes('back-42'))
  assert.equal(await s.pty.kill(first.pid), true)
  await assert.rejects(again.wait(), CommandExitError)
})
