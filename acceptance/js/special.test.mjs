// Files that are no files: calls on them end, and say so (envd.md 4.4, 4.5, 6.3).
import { before, test } from 'node:test'
import assert from 'node:assert/strict'
import { SandboxError, InvalidArgumentError } from 'e2b'
import { sandbox } from './support.mjs'

let s
before(async () => {
  s = await sandbox()
  await s.commands.run('mkdir /tmp/odd && cd /tmp/odd && mkfifo pipe && ln -s pipe link && echo plain > file')
  await s.commands.run(
    `python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/tmp/odd/socket")'; ln -s /dev/zero /tmp/odd/zero`,
  )
})

/** Ends within two seconds, whatever comes of it. */
async function soon(promise) {
  let timer
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error('hangs')), 2_000)))
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

const refused = (promise) => assert.rejects(soon(promise), (e) => e instanceof SandboxError && e.message !== 'hangs')

for (const name of ['pipe', 'link', 'socket', 'zero', '/dev/zero', '/dev/tty', '/dev/random']) {
  const path = name.startsWith('/') ? name : `/tmp/odd/${name}`
  test(`${name} is neither read nor written`, async () => {
    await refused(s.files.read(path))
    await refused(s.files.read(path, { format: 'stream' }))
    await refused(s.files.write(path, 'x'))
    await assert.rejects(soon(s.files.watchDir(path, () => {})), InvalidArgumentError)
    await refused(s.files.list(path))
    assert.equal(await soon(s.files.exists(path)), true)
    assert.equal((await soon(s.files.getInfo(path))).type, undefined)
  })
}

test('a directory with them is listed without them, moved and removed', async () => {
  assert.deepEqual((await soon(s.files.list('/tmp/odd'))).map((e) => e.name), ['file'])
  await soon(s.files.rename('/tmp/odd/pipe', '/tmp/odd/moved'))
  await soon(s.files.remove('/tmp/odd'))
  assert.equal(await s.files.exists('/tmp/odd'), false)
  assert.equal(await s.files.exists('/dev/zero'), true)
})

test('a file that becomes a pipe and back again while it is read never holds a call up', async () => {
  const swap = `import os
os.makedirs('/tmp/swap', exist_ok=True)
os.mkfifo('/tmp/swap/p')
open('/tmp/swap/f', 'w').write('x')
os.link('/tmp/swap/f', '/tmp/swap/now')
while True:
    for other in 'pf':
        os.link('/tmp/swap/' + other, '/tmp/swap/next')
        os.rename('/tmp/swap/next', '/tmp/swap/now')
        if os.path.exists('/tmp/swap/next'): os.unlink('/tmp/swap/next')
`
  await s.files.write('/tmp/swap.py', swap)
  const swapping = await s.commands.run('exec python3 /tmp/swap.py', { background: true, timeoutMs: 0 })
  let read = 0
  for (let i = 0; i < 100; i++) {
    const results = await soon(
      Promise.allSettled([s.files.read('/tmp/swap/now'), s.files.write('/tmp/swap/now', 'x'), s.files.getInfo('/tmp/swap/now')]),
    )
    read += results[0].status === 'fulfilled' ? 1 : 0
  }
  assert.ok(read > 0)
  await swapping.kill()
})

test('the kernel of the machine is not read through its own files', async () => {
  await refused(s.files.read('/proc/kcore'))
  await refused(s.files.write('/proc/sys/kernel/core_pattern', '|/x'))
  await refused(s.files.write('/proc/sysrq-trigger', 'b'))
  assert.match(await soon(s.files.read('/proc/self/../uptime')), /^[0-9.]+ /)
})
