import { before, test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { FileNotFoundError, FileType } from 'e2b'
import { sandbox } from './support.mjs'

let s
before(async () => {
  s = await sandbox()
})

test('text is written below the home and read back', async () => {
  const info = await s.files.write('notes/a ü.txt', 'grüße\n')
  assert.equal(info.path, '/home/user/notes/a ü.txt')
  assert.equal(await s.files.read('notes/a ü.txt'), 'grüße\n')
  assert.equal((await s.commands.run(`stat -c '%U:%G %a' 'notes/a ü.txt' notes`)).stdout, 'user:user 644\nuser:user 755\n')
})

test('an empty file, an overwrite', async () => {
  await s.files.write('/tmp/e.txt', '')
  assert.equal(await s.files.read('/tmp/e.txt'), '')
  await s.files.write('/tmp/e.txt', 'longer text')
  await s.files.write('/tmp/e.txt', 'short')
  assert.equal(await s.files.read('/tmp/e.txt'), 'short')
})

test('a hundred megabytes of binary, up and down', async () => {
  const data = randomBytes(100 * 1024 * 1024)
  const digest = createHash('sha256').update(data).digest('hex')
  await s.files.write('/home/user/big.bin', new Blob([data]))
  assert.match((await s.commands.run('sha256sum /home/user/big.bin')).stdout, new RegExp(`^${digest}`))
  const back = await s.files.read('/home/user/big.bin', { format: 'bytes' })
  assert.equal(createHash('sha256').update(back).digest('hex'), digest)
})

test('several files in one request, directories in their names', async () => {
  const written = await s.files.write([
    { path: 'many/one.txt', data: '1' },
    { path: '/tmp/many/two.txt', data: '2' },
  ])
  assert.deepEqual(written.map((w) => w.path), ['/home/user/many/one.txt', '/tmp/many/two.txt'])
  assert.equal(await s.files.read('/tmp/many/two.txt'), '2')
})

test('stream format', async () => {
  await s.files.write('/tmp/st.txt', 'streamed')
  let text = ''
  for await (const chunk of await s.files.read('/tmp/st.txt', { format: 'stream' })) text += Buffer.from(chunk).toString()
  assert.equal(text, 'streamed')
})

test('list in depth-first order with details', async () => {
  await s.commands.run('mkdir -p /tmp/ls/a/x /tmp/ls/b && echo hi > /tmp/ls/a/f && ln -s a/f /tmp/ls/link')
  const names = (await s.files.list('/tmp/ls', { depth: 3 })).map((e) => e.path)
  assert.deepEqual(names, ['/tmp/ls/a', '/tmp/ls/a/f', '/tmp/ls/a/x', '/tmp/ls/b', '/tmp/ls/link'])
  const link = await s.files.getInfo('/tmp/ls/link')
  assert.equal(link.symlinkTarget, '/tmp/ls/a/f')
  assert.equal(link.type, FileType.FILE)
  const file = await s.files.getInfo('/tmp/ls/a/f')
  assert.deepEqual([file.owner, file.group, file.size, file.permissions], ['user', 'user', 3, '-rw-r--r--'])
  await assert.rejects(s.files.list('/tmp/none'), FileNotFoundError)
})

test('rename, exists, remove, makeDir', async () => {
  await s.files.write('/tmp/r1', 'r')
  const moved = await s.files.rename('/tmp/r1', '/tmp/r2')
  assert.equal(moved.path, '/tmp/r2')
  assert.equal(await s.files.exists('/tmp/r1'), false)
  assert.equal(await s.files.exists('/tmp/r2'), true)
  await s.files.remove('/tmp/r2')
  await s.files.remove('/tmp/r2')
  assert.equal(await s.files.exists('/tmp/r2'), false)
  assert.equal(await s.files.makeDir('/tmp/d/e/f'), true)
  assert.equal(await s.files.makeDir('/tmp/d/e/f'), false)
  await assert.rejects(s.files.rename('/tmp/nothing', '/tmp/x'), FileNotFoundError)
  await assert.rejects(s.files.read('/tmp/nothing'), FileNotFoundError)
})

test('signed links work without any header', async () => {
  await s.files.write('/tmp/signed.txt', 'by link')
  const link = new URL(await s.downloadUrl('/tmp/signed.txt', { useSignatureExpiration: 60 }))
  const good = await fetchByHeader(link)
  assert.equal(good.status, 200)
  assert.equal(await good.text(), 'by link')
  link.searchParams.set('signature', 'v1_wrong')
  assert.equal((await fetchByHeader(link)).status, 401)
})

function fetchByHeader(link) {
  return fetch(link, { headers: { 'E2b-Sandbox-Id': s.sandboxId, 'E2b-Sandbox-Port': '49983' } })
}
