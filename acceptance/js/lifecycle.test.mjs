import { test } from 'node:test'
import assert from 'node:assert/strict'
import { Sandbox, AuthenticationError, SandboxNotFoundError, NotFoundError, TimeoutError } from 'e2b'
import { api, eventually, sandbox } from './support.mjs'

test('create keeps metadata, envs and timeout', async () => {
  const before = Date.now()
  const s = await sandbox({ metadata: { purpose: 'a b&c=d', ü: 'ß' }, envs: { GREETING: 'hello there' }, timeoutMs: 120_000 })
  const info = await s.getInfo()
  assert.deepEqual(info.metadata, { purpose: 'a b&c=d', ü: 'ß' })
  assert.equal(info.state, 'running')
  assert.equal(info.sandboxId, s.sandboxId)
  const life = info.endAt.getTime() - before
  assert.ok(life > 115_000 && life < 140_000, `ends in ${life} ms`)
  assert.equal((await s.commands.run('echo $GREETING')).stdout, 'hello there\n')
})

test('list finds a sandbox by metadata and by state', async () => {
  const mark = `m${Date.now()}`
  const s = await sandbox({ metadata: { mark, odd: 'x=y & z%20' } })
  const found = await Sandbox.list({ query: { metadata: { mark, odd: 'x=y & z%20' }, state: ['running'] } }).nextItems()
  assert.deepEqual(found.map((f) => f.sandboxId), [s.sandboxId])
  const none = await Sandbox.list({ query: { metadata: { mark: 'another' } } }).nextItems()
  assert.deepEqual(none, [])
})

test('list pages through everything once', async () => {
  const mark = `p${Date.now()}`
  const ids = new Set()
  for (let i = 0; i < 5; i++) ids.add((await sandbox({ metadata: { mark } })).sandboxId)
  const seen = []
  const pages = Sandbox.list({ query: { metadata: { mark } }, limit: 2 })
  while (pages.hasNext) seen.push(...(await pages.nextItems()).map((s) => s.sandboxId))
  assert.equal(seen.length, 5)
  assert.deepEqual(new Set(seen), ids)
})

test('setTimeout moves the end and expiry ends the sandbox', async () => {
  const s = await sandbox({ timeoutMs: 60_000 })
  await s.setTimeout(2_000)
  const { endAt } = await s.getInfo()
  assert.ok(endAt.getTime() - Date.now() < 2_500)
  await eventually('sandbox expired', async () => !(await s.isRunning()), 5_000)
  assert.ok(Date.now() >= endAt.getTime() - 50, 'not before its end')
  await assert.rejects(Sandbox.getInfo(s.sandboxId), (e) => e instanceof SandboxNotFoundError || e instanceof NotFoundError)
})

test('kill ends it once, and says so', async () => {
  const s = await sandbox()
  assert.equal(await s.kill(), true)
  assert.equal(await s.kill(), false)
  assert.equal(await s.isRunning(), false)
  await assert.rejects(s.commands.run('true'))
})

test('kill cuts a running command with the end-of-life error', async () => {
  const s = await sandbox()
  const running = s.commands.run('echo up; sleep 60', { background: true })
  const handle = await running
  const waiting = assert.rejects(handle.wait(), (e) => {
    assert.ok(e instanceof TimeoutError, `${e.name}: ${e.message}`)
    return true
  })
  await s.kill()
  await waiting
})

test('kill cuts a watch, a terminal and a download, each with an error', async () => {
  const s = await sandbox()
  await s.commands.run('head -c 200000000 /dev/zero > /tmp/big')
  const left = new Promise((resolve) => s.files.watchDir('/tmp', () => {}, { onExit: resolve, timeoutMs: 0 }))
  const pty = await s.pty.create({ cols: 80, rows: 24, onData: () => {}, timeoutMs: 0 })
  const ended = assert.rejects(pty.wait(), (e) => e instanceof TimeoutError && /end of life/.test(e.message))
  const reader = (await s.files.read('/tmp/big', { format: 'stream' })).getReader()
  await reader.read()
  await s.kill()
  await ended
  assert.ok((await left) instanceof TimeoutError)
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  })
})

test('connect attaches to a running sandbox and only extends its life', async () => {
  const s = await sandbox({ timeoutMs: 300_000 })
  const before = (await s.getInfo()).endAt.getTime()
  const again = await Sandbox.connect(s.sandboxId, { timeoutMs: 5_000 })
  assert.equal(again.sandboxId, s.sandboxId)
  assert.equal((await again.commands.run('echo hi')).stdout, 'hi\n')
  assert.ok((await s.getInfo()).endAt.getTime() >= before)
})

test('a wrong key is 401', async () => {
  await assert.rejects(Sandbox.create({ apiKey: `e2b_${'0'.repeat(40)}` }), AuthenticationError)
  assert.equal((await api('GET', '/v2/sandboxes', undefined, 'nonsense')).status, 401)
})

test('an unknown template is 404', async () => {
  await assert.rejects(Sandbox.create('no-such-template'), /404|not found/i)
  const answer = await api('POST', '/v2/sandboxes', { templateID: 'no-such-template' })
  assert.equal(answer.status, 404)
  assert.equal(answer.body.code, 404)
})

test('both generations of create answer as documented', async () => {
  const v2 = await api('POST', '/v2/sandboxes', { templateID: 'base' })
  assert.equal(v2.status, 201)
  assert.match(v2.body.sandboxID, /^i[a-z0-9]{20}$/)
  assert.match(v2.body.envdAccessToken, /^[0-9a-f]{64}$/)
  const v1 = await api('POST', '/sandboxes', { templateID: 'base', timeout: 30, secure: true })
  assert.equal(v1.status, 201)
  for (const made of [v1, v2]) {
    assert.equal(made.body.clientID, '6532622b')
    assert.ok(!JSON.stringify(made.body).includes('null'))
    assert.equal((await api('DELETE', `/sandboxes/${made.body.sandboxID}`)).status, 204)
    assert.equal((await api('DELETE', `/sandboxes/${made.body.sandboxID}`)).status, 404)
  }
})

test('a body that breaks the contract changes nothing', async () => {
  for (const body of [{}, { templateID: 7 }, { templateID: 'base', timeout: 0 }, { templateID: 'base', metadata: { a: 1 } }, { templateID: 'b@d' }]) {
    const answer = await api('POST', '/v2/sandboxes', body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.equal(answer.body.code, 400)
  }
})
