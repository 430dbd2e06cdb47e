// What every generation of the JavaScript SDK does, with the one whose directory SANDLOT_TEST_SDK names.
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const { Sandbox } = createRequire(`${process.env.SANDLOT_TEST_SDK}/`)('e2b')
const { version } = JSON.parse(readFileSync(`${process.env.SANDLOT_TEST_SDK}/node_modules/e2b/package.json`))
// Before that one, file requests name no sandbox when E2B_SANDBOX_URL is set: such clients need host names and TLS.
const NAMES_ITS_FILES = [2, 14]
const [major, minor] = version.split('.').map(Number)
const isOld = major < NAMES_ITS_FILES[0] || (major === NAMES_ITS_FILES[0] && minor < NAMES_ITS_FILES[1])
const skipFiles = isOld && 'its file requests name no sandbox under E2B_SANDBOX_URL'
const mark = `core${Date.now()}`

test(`e2b ${version}: create, commands, files, list, info, timeout, connect, kill`, { timeout: 120_000 }, async (t) => {
  const s = await Sandbox.create({ metadata: { mark, odd: 'x=y & z%20' }, envs: { GREETING: 'hello' }, timeoutMs: 120_000 })
  t.after(() => s.kill())

  await t.test('commands', async () => {
    const done = await s.commands.run('echo $GREETING; echo bad >&2')
    assert.deepEqual([done.stdout, done.stderr, done.exitCode], ['hello\n', 'bad\n', 0])
    await assert.rejects(s.commands.run('exit 3'), (e) => e.exitCode === 3)
    let text = ''
    const background = await s.commands.run('for i in 1 2 3; do echo $i; done; cat', {
      background: true,
      stdin: true,
      onStdout: (chunk) => (text += chunk),
    })
    await s.commands.sendStdin(background.pid, 'typed\n')
    for (const end = Date.now() + 10_000; !text.includes('typed') && Date.now() < end; ) await new Promise((r) => setTimeout(r, 20))
    assert.equal(text, '1\n2\n3\ntyped\n')
    assert.ok((await s.commands.list()).some((p) => p.pid === background.pid))
    assert.equal(await background.kill(), true)
  })

  await t.test('files', { skip: skipFiles }, async () => {
    await s.files.makeDir('/home/user/d')
    await s.files.write('/home/user/d/ä b.txt', 'text')
    assert.equal(await s.files.read('/home/user/d/ä b.txt'), 'text')
    assert.deepEqual((await s.files.list('/home/user/d')).map((f) => f.name), ['ä b.txt'])
    const bytes = new Uint8Array(70_000).map((_, i) => i)
    await s.files.write('/home/user/d/bytes', bytes.buffer)
    assert.deepEqual(await s.files.read('/home/user/d/bytes', { format: 'bytes' }), bytes)
    await s.files.rename('/home/user/d/bytes', '/home/user/d/moved')
    await s.files.remove('/home/user/d/ä b.txt')
    assert.equal(await s.files.exists('/home/user/d/ä b.txt'), false)
    assert.equal(await s.files.exists('/home/user/d/moved'), true)
  })

  await t.test('list and info', async () => {
    const found = await Sandbox.list({ query: { metadata: { mark, odd: 'x=y & z%20' } } }).nextItems()
    assert.deepEqual(found.map((f) => f.sandboxId), [s.sandboxId])
    const info = await Sandbox.getInfo(s.sandboxId)
    assert.deepEqual([info.sandboxId, info.metadata], [s.sandboxId, { mark, odd: 'x=y & z%20' }])
  })

  await t.test('timeout', async () => {
    await s.setTimeout(30_000)
    const left = new Date((await s.getInfo()).endAt).getTime() - Date.now()
    assert.ok(left > 10_000 && left <= 31_000, `${left} ms left`)
  })

  await t.test('connect and kill', async () => {
    const again = await Sandbox.connect(s.sandboxId, { timeoutMs: 60_000 })
    assert.equal((await again.commands.run('echo again')).stdout, 'again\n')
    if (!isOld) assert.equal(await s.isRunning(), true)
    assert.equal(await Sandbox.kill(s.sandboxId), true)
    assert.equal(await Sandbox.kill(s.sandboxId), false)
  })
})
