import { before, test } from 'node:test'
import assert from 'node:assert/strict'
import { eventually, getThroughHost, sandbox } from './support.mjs'

let s
before(async () => {
  s = await sandbox()
})

for (const bind of ['0.0.0.0', '127.0.0.1']) {
  test(`a server bound to ${bind} is reached by its host`, async () => {
    const port = bind === '0.0.0.0' ? 8123 : 8124
    await s.commands.run(`mkdir -p /tmp/www && echo from-${bind} > /tmp/www/index.html`)
    await s.commands.run(`python3 -m http.server ${port} --bind ${bind} --directory /tmp/www`, { background: true })
    const host = s.getHost(port)
    assert.ok(host.startsWith(`${port}-${s.sandboxId}.`))
    await eventually('server answers', async () => (await getThroughHost(host)).status === 200)
    assert.equal((await getThroughHost(host)).body, `from-${bind}\n`)
  })
}

test('a closed port and an unknown sandbox are 502 with a reason', async () => {
  const closed = await getThroughHost(s.getHost(9))
  assert.equal(closed.status, 502)
  assert.deepEqual(JSON.parse(closed.body), {
    sandboxId: s.sandboxId,
    message: 'The sandbox is running but port is not open',
    port: 9,
    code: 502,
  })
  const unknown = await getThroughHost('3000-i00000000000000000000.localhost')
  assert.equal(unknown.status, 502)
  assert.equal(JSON.parse(unknown.body).message, 'The sandbox was not found')
})

test('control paths of envd are hidden', async () => {
  for (const path of ['/init', '//init', '/./freeze']) {
    const answer = await getThroughHost(s.getHost(49983), path)
    assert.equal(answer.status, 404, path)
    assert.match(answer.body, /reserved for the E2B control plane/)
  }
})
