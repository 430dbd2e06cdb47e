import { before, test } from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { FileNotFoundError, FileType, InvalidArgumentError, NotEnoughSpaceError } from 'e2b'
import { sandbox } from './support.mjs'

let s
before(async () => {
  s = await sandbox()
})

const collect = async (stream) => {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const readers = {
  text: async (path, opts) => Buffer.from(await s.files.read(path, { ...opts, format: 'text' })),
  bytes: async (path, opts) => Buffer.from(await s.files.read(path, { ...opts, format: 'bytes' })),
  blob: async (path, opts) => Buffer.from(await (await s.files.read(path, { ...opts, format: 'blob' })).arrayBuffer()),
  stream: async (path, opts) => collect(await s.files.read(path, { ...opts, format: 'stream' })),
}

for (const [format, read] of Object.entries(readers)) {
  for (const gzip of [false, true]) {
    test(`read as ${format}${gzip ? ' with gzip' : ''}, also an empty file`, async () => {
      const data = 'grüße 漢字 🚀\n'.repeat(5_000)
      await s.files.write('/tmp/format.txt', data)
      assert.equal((await read('/tmp/format.txt', { gzip })).toString(), data)
      await s.files.write('/tmp/none.txt', '')
      assert.equal((await read('/tmp/none.txt', { gzip })).length, 0)
      await assert.rejects(read('/tmp/not-there', { gzip }), FileNotFoundError)
    })
  }
}

const bytes = randomBytes(300_000)
const writers = {
  text: () => bytes.toString('base64'),
  'array buffer': () => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  blob: () => new Blob([bytes]),
  stream: () => new Blob([bytes]).stream(),
}

for (const [kind, data] of Object.entries(writers)) {
  for (const opts of [{}, { gzip: true }, { useOctetStream: true }, { useOctetStream: false }]) {
    test(`write ${kind} with ${JSON.stringify(opts)}`, async () => {
      const written = await s.files.write('new/dir/data.bin', data(), opts)
      assert.equal(written.path, '/home/user/new/dir/data.bin')
      assert.equal(written.name, 'data.bin')
      const expected = kind === 'text' ? Buffer.from(bytes.toString('base64')) : bytes
      assert.ok(Buffer.from(await s.files.read('new/dir/data.bin', { format: 'bytes' })).equals(expected))
    })
  }
}

test('writeFiles with none, one and many', async () => {
  assert.deepEqual(await s.files.writeFiles([]), [])
  assert.equal((await s.files.writeFiles([{ path: 'w/1', data: 'one' }])).length, 1)
  const many = Array.from({ length: 20 }, (_, i) => ({ path: `w/many/${i}.txt`, data: `text ${i}` }))
  const written = await s.files.writeFiles(many)
  assert.deepEqual(written.map((w) => w.path), many.map((w) => `/home/user/${w.path}`))
  for (const { path, data } of many) assert.equal(await s.files.read(path), data)
})

test('metadata is set, shown, replaced, cleared, kept by a rename, and checked', async () => {
  const written = await s.files.write('/tmp/meta', 'm', { metadata: { author: 'me', Stage: 'two words' } })
  assert.deepEqual(written.metadata, { author: 'me', stage: 'two words' })
  assert.deepEqual((await s.files.getInfo('/tmp/meta')).metadata, { author: 'me', stage: 'two words' })
  const moved = await s.files.rename('/tmp/meta', '/tmp/meta2')
  assert.deepEqual(moved.metadata, { author: 'me', stage: 'two words' })
  await s.files.write('/tmp/meta2', 'm', { metadata: { other: '1' } })
  assert.deepEqual((await s.files.getInfo('/tmp/meta2')).metadata, { other: '1' })
  const listed = (await s.files.list('/tmp')).find((e) => e.name === 'meta2')
  assert.deepEqual(listed.metadata, { other: '1' })
  await s.files.write('/tmp/meta2', 'm')
  assert.ok(!Object.keys((await s.files.getInfo('/tmp/meta2')).metadata ?? {}).length)
  await assert.rejects(s.files.write('/tmp/meta3', 'm', { metadata: { big: 'x'.repeat(5000) } }), InvalidArgumentError)
})

test('metadata written inside is seen outside', async () => {
  await s.commands.run(`touch /tmp/inside && python3 -c "import os; os.setxattr('/tmp/inside', 'user.e2b.from', b'inside')"`)
  assert.deepEqual((await s.files.getInfo('/tmp/inside')).metadata, { from: 'inside' })
})

test('info of a file, a directory, links and nothing', async () => {
  await s.commands.run('mkdir -p /tmp/gi/d && echo hi > /tmp/gi/f && cd /tmp/gi && ln -s f l && ln -s none b && chmod 4755 f')
  const directory = await s.files.getInfo('/tmp/gi/d')
  assert.equal(directory.type, FileType.DIR)
  assert.ok(directory.size > 0)
  const link = await s.files.getInfo('/tmp/gi/l')
  assert.deepEqual([link.type, link.symlinkTarget, link.permissions], [FileType.FILE, '/tmp/gi/f', 'Lrwxrwxrwx'])
  const broken = await s.files.getInfo('/tmp/gi/b')
  assert.deepEqual([broken.type, broken.mode, broken.symlinkTarget], [undefined, 0, '/tmp/gi/b'])
  assert.equal((await s.files.getInfo('/tmp/gi/f')).permissions, 'urwxr-xr-x')
  assert.deepEqual((await s.files.list('/tmp/gi')).map((e) => e.name), ['d', 'f', 'l'])
  await assert.rejects(s.files.getInfo('/tmp/gi/none'), FileNotFoundError)
  await assert.rejects(s.files.list('/tmp/gi/f'), InvalidArgumentError)
  await assert.rejects(s.files.list('/tmp/gi', { depth: 0 }), InvalidArgumentError)
})

test('what cannot be done says so', async () => {
  await assert.rejects(s.files.read('/tmp'), InvalidArgumentError)
  await assert.rejects(s.files.write('/tmp', 'x'), InvalidArgumentError)
  await assert.rejects(s.files.read('~root/x'), InvalidArgumentError)
})

test('what a full file system does not take says so', async () => {
  const full = await s.commands.run('dd if=/dev/zero of=/dev/fill bs=64k', { user: 'root' }).catch((e) => e)
  try {
    assert.match(full.stderr, /No space left on device/, 'the file system of /dev is small')
    await assert.rejects(s.files.write('/dev/big', 'x'.repeat(100_000), { user: 'root' }), NotEnoughSpaceError)
  } finally {
    await s.commands.run('rm -f /dev/fill /dev/big', { user: 'root' })
  }
  await s.files.write('/dev/big', 'fits now', { user: 'root' })
  await s.commands.run('rm /dev/big', { user: 'root' })
})

test('files in memory are like others', async () => {
  await s.files.write('/dev/shm/new/a', 'in memory')
  assert.equal((await s.files.getInfo('/dev/shm/new')).owner, 'user')
  await s.files.rename('/dev/shm/new/a', '/dev/shm/new/b')
  assert.equal(await s.files.read('/dev/shm/new/b'), 'in memory')
  assert.equal((await s.files.getInfo('/dev/shm/new/b')).owner, 'user')
  await s.files.remove('/dev/shm/new')
})

test('files of root', async () => {
  await s.files.write('secret.txt', 'of root', { user: 'root' })
  assert.equal(await s.files.read('/root/secret.txt'), 'of root')
  assert.equal((await s.files.getInfo('/root/secret.txt')).owner, 'root')
})

const byHeader = { 'E2b-Sandbox-Id': '', 'E2b-Sandbox-Port': '49983' }
const headers = () => ({ ...byHeader, 'E2b-Sandbox-Id': s.sandboxId })
const upload = (url, name, text) => {
  const form = new FormData()
  form.append('file', new Blob([text]), name)
  return fetch(url, { method: 'POST', headers: headers(), body: form })
}

test('signed links: upload, download, as root, expired, of another operation', async () => {
  const up = await upload(await s.uploadUrl('up.txt', { useSignatureExpiration: 60 }), 'ignored', 'by form')
  assert.equal(up.status, 200)
  assert.equal((await up.json())[0].path, '/home/user/up.txt')
  const named = await upload(await s.uploadUrl(), 'sub/named.txt', 'by name')
  assert.equal((await named.json())[0].path, '/home/user/sub/named.txt')
  const root = await upload(await s.uploadUrl('hello.txt', { user: 'root' }), 'x', 'root')
  assert.equal((await root.json())[0].path, '/root/hello.txt')
  const down = await fetch(await s.downloadUrl('hello.txt', { user: 'root' }), { headers: headers() })
  assert.equal(await down.text(), 'root')
  assert.equal(down.headers.get('content-disposition'), 'inline; filename=hello.txt')

  const expired = await fetch(await s.downloadUrl('up.txt', { useSignatureExpiration: -10 }), { headers: headers() })
  assert.equal(expired.status, 401)
  assert.deepEqual(await expired.json(), { code: 401, message: 'signature is already expired' })
  const wrong = await fetch(await s.uploadUrl('up.txt'), { headers: headers() })
  assert.deepEqual(await wrong.json(), { code: 401, message: 'invalid signature' })
  const missing = await fetch(await s.downloadUrl('demo/test.txt'), { headers: headers() })
  assert.deepEqual(await missing.json(), { code: 404, message: "path '/home/user/demo/test.txt' does not exist" })
  const without = new URL(await s.downloadUrl('up.txt'))
  without.searchParams.delete('signature')
  assert.equal((await fetch(without, { headers: headers() })).status, 401)
  const added = new URL(await s.downloadUrl('up.txt'))
  added.searchParams.set('signature_expiration', '4000000000')
  assert.deepEqual(await (await fetch(added, { headers: headers() })).json(), { code: 401, message: 'invalid signature' })
})

test('control-plane paths are reserved, whatever the token', async () => {
  for (const path of ['/init', '/freeze', '/unfreeze', '/collapse', '/fsfreeze', '/fsthaw', '/upgrade', '//init', '/x/../init']) {
    const answer = await fetch(process.env.E2B_SANDBOX_URL + path, { method: 'POST', headers: headers(), body: '{}' })
    assert.equal(answer.status, 404, path)
  }
})
