import { before, test } from 'node:test'
import assert from 'node:assert/strict'
import { FileNotFoundError, FilesystemEventType, InvalidArgumentError, TimeoutError } from 'e2b'
import { eventually, sandbox } from './support.mjs'

let s
before(async () => {
  s = await sandbox()
})

const fresh = async (name) => {
  await s.files.makeDir(`/home/user/${name}`)
  return `/home/user/${name}`
}

/** Watches, runs the action, and waits for an event that fits. */
async function watched(directory, opts, action, fits) {
  const events = []
  const handle = await s.files.watchDir(directory, (e) => events.push(e), opts)
  await action()
  await eventually(`an event among ${JSON.stringify(events)}`, () => events.some(fits))
  await handle.stop()
  return events
}

test('a write is told', async () => {
  const d = await fresh('w1')
  await s.files.write(`${d}/f.txt`, 'before')
  await watched(d, {}, () => s.files.write(`${d}/f.txt`, 'after'), (e) => e.type === FilesystemEventType.WRITE && e.name === 'f.txt')
})

test('a new file is three events in order', async () => {
  const d = await fresh('w2')
  const events = await watched(d, {}, () => s.files.write(`${d}/f.txt`, 'x'), (e) => e.type === FilesystemEventType.WRITE)
  assert.deepEqual(events.map((e) => `${e.type} ${e.name}`), ['create f.txt', 'chmod f.txt', 'write f.txt'])
})

test('rename, remove, chmod, by commands inside', async () => {
  const d = await fresh('w3')
  const events = await watched(
    d,
    {},
    () => s.commands.run(`cd ${d} && : > a && chmod 600 a && mv a b && rm b`),
    (e) => e.type === FilesystemEventType.REMOVE && e.name === 'b',
  )
  const told = events.map((e) => `${e.type} ${e.name}`)
  for (const expected of ['create a', 'chmod a', 'rename a', 'create b', 'remove b']) assert.ok(told.includes(expected), expected)
})

test('only what is directly inside, unless recursive', async () => {
  const d = await fresh('w4')
  await s.files.makeDir(`${d}/sub`)
  const flat = await watched(
    d,
    {},
    async () => {
      await s.files.write(`${d}/sub/deep.txt`, 'x')
      await s.files.write(`${d}/last.txt`, 'x')
    },
    (e) => e.name === 'last.txt' && e.type === FilesystemEventType.WRITE,
  )
  assert.ok(!flat.some((e) => e.name.includes('deep')))
  await watched(
    d,
    { recursive: true },
    () => s.files.write(`${d}/sub/deep2.txt`, 'x'),
    (e) => e.name === 'sub/deep2.txt' && e.type === FilesystemEventType.WRITE,
  )
})

test('a directory added to a watched tree is watched', async () => {
  const d = await fresh('w5')
  await watched(
    d,
    { recursive: true },
    async () => {
      await s.files.makeDir(`${d}/new/nested`)
      await s.files.write(`${d}/new/nested/f.txt`, 'x')
    },
    (e) => e.name === 'new/nested/f.txt' && e.type === FilesystemEventType.WRITE,
  )
})

test('entries come when asked for, never of what is gone', async () => {
  const d = await fresh('w6')
  const events = await watched(
    d,
    { includeEntry: true, allowNetworkMounts: true },
    async () => {
      await s.files.write(`${d}/f.txt`, 'hello')
      await s.files.remove(`${d}/f.txt`)
    },
    (e) => e.type === FilesystemEventType.REMOVE,
  )
  const written = events.find((e) => e.entry)
  assert.equal(written?.entry.path, `${d}/f.txt`)
  assert.equal(events.find((e) => e.type === FilesystemEventType.REMOVE).entry, undefined)
})

test('what cannot be watched', async () => {
  await assert.rejects(s.files.watchDir('/home/user/none', () => {}), FileNotFoundError)
  await s.files.write('plain', 'x')
  await assert.rejects(s.files.watchDir('plain', () => {}), InvalidArgumentError)
})

test('a watch past its time says so', async () => {
  const d = await fresh('w7')
  const ended = new Promise((resolve) => s.files.watchDir(d, () => {}, { timeoutMs: 1_000, onExit: resolve }))
  assert.ok((await ended) instanceof TimeoutError)
})

test('a stopped watch tells nothing more', async () => {
  const d = await fresh('w8')
  const events = []
  let ended = false
  const handle = await s.files.watchDir(d, (e) => events.push(e), { timeoutMs: 0, onExit: () => (ended = true) })
  await handle.stop()
  await eventually('ended', () => ended)
  await watched(d, {}, () => s.files.write(`${d}/f.txt`, 'x'), (e) => e.type === FilesystemEventType.WRITE)
  assert.deepEqual(events, [])
})
