import { before, test } from 'node:test'
import assert from 'node:assert/strict'
import { CommandExitError, TimeoutError } from 'e2b'
import { eventually, sandbox } from './support.mjs'

let s
before(async () => {
  s = await sandbox({ envs: { GLOBAL: 'everywhere' } })
})

const cat = () => s.commands.run('cat', { background: true, stdin: true })

for (const [name, data] of Object.entries({
  text: 'plain text',
  specials: `quotes " ' \` $HOME \\ ünïcödé 漢字 🚀 \t end`,
  lines: 'one\ntwo\n\nthree\n',
  empty: '',
  long: 'x'.repeat(500_000),
})) {
  test(`stdin: ${name}`, async () => {
    const handle = await cat()
    await s.commands.sendStdin(handle.pid, data)
    await s.commands.closeStdin(handle.pid)
    assert.equal((await handle.wait()).stdout, data)
  })
}

test('stdin: bytes', async () => {
  const handle = await s.commands.run('od -An -tx1', { background: true, stdin: true })
  await s.commands.sendStdin(handle.pid, new Uint8Array([0, 255, 10, 128]))
  await s.commands.closeStdin(handle.pid)
  assert.equal((await handle.wait()).stdout.trim(), '00 ff 0a 80')
})

test('global variables reach commands, those of one command do not reach sudo', async () => {
  assert.equal((await s.commands.run('echo $GLOBAL')).stdout, 'everywhere\n')
  assert.equal((await s.commands.run('sudo sh -c "echo -n \\$ONE"', { envs: { ONE: 'mine' } })).stdout, '')
  assert.equal((await s.commands.run('echo $GLOBAL', { envs: { GLOBAL: 'here' } })).stdout, 'here\n')
})

test('multi-line commands and output', async () => {
  const result = await s.commands.run('cat <<END\none\ntwo $((1+1))\nEND\nfor i in a b\ndo echo $i\ndone')
  assert.equal(result.stdout, 'one\ntwo 2\na\nb\n')
})

test('the child of a killed command lives on, the end does not wait for it', async () => {
  const handle = await s.commands.run('sleep 3066 & echo started; wait', { background: true })
  await eventually('started', () => handle.stdout.includes('started'))
  assert.equal(await handle.kill(), true)
  await assert.rejects(handle.wait(), (e) => e instanceof CommandExitError && /signal: killed/.test(e.error ?? e.message))
  assert.match((await s.commands.run('pgrep -f [s]leep.3066')).stdout, /\d+/)
})

test('a command that only its background child outlives ends with the child', async () => {
  const began = Date.now()
  await s.commands.run('sleep 1.5 & echo off')
  assert.ok(Date.now() - began >= 1_400)
})

test('a sandbox killed during a command is a timeout error that names the end of life', async () => {
  const doomed = await sandbox()
  const running = doomed.commands.run('sleep 60')
  const fails = assert.rejects(running, (e) => e instanceof TimeoutError && /end of life|killed/.test(e.message))
  await eventually('listed', async () => (await doomed.commands.list()).length > 0)
  await doomed.kill()
  await fails
})

test('a directory that is deleted or closed is refused', async () => {
  await s.commands.run('mkdir -p /tmp/gone && rmdir /tmp/gone && sudo mkdir -p -m 700 /closed')
  await assert.rejects(s.commands.run('pwd', { cwd: '/tmp/gone' }))
  await assert.rejects(s.commands.run('pwd', { cwd: '/closed' }))
})

test('the files of the home are those of the template', async () => {
  const list = (await s.commands.run('ls -la /home/user')).stdout
  for (const name of ['.bashrc', '.profile']) assert.match(list, new RegExp(`-rw-r--r-- .* user +user .* ${name.replace('.', '\\.')}`))
})

test('pty: kill, and what is unknown', async () => {
  const pty = await s.pty.create({ cols: 80, rows: 24, onData: () => {}, cwd: '/tmp', user: 'root' })
  const ended = assert.rejects(pty.wait(), CommandExitError)
  assert.equal(await s.pty.kill(pty.pid), true)
  await ended
  assert.equal(await s.pty.kill(pty.pid), false)
})
