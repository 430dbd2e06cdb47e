// The official CLI, unmodified, against a running Sandlot: single commands, and terminals of sandboxes in tmux.
// Called by acceptance/versions with the path of the CLI.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Sandbox, Template } from 'e2b'
import { api, eventually, sandbox } from './support.mjs'

const CLI = process.env.SANDLOT_TEST_CLI
const PYTHON = new URL('../../.sandlot/venv/bin/python', import.meta.url).pathname
const SOCKET = `sandlot-${process.pid}`
const PATIENCE_MS = 60_000
const run = promisify(execFile)
const cli = (...args) => {
  const running = run(CLI, args, { timeout: PATIENCE_MS })
  running.child.stdin.end()
  return running
}
const tmux = (...args) => run('tmux', ['-L', SOCKET, ...args])
const hasTmux = await run('tmux', ['-V']).then(() => true, () => false)
const hasPython = await run(PYTHON, ['-c', 'import e2b']).then(() => true, () => false)
let one

before(async () => {
  one = await sandbox({ timeoutMs: 600_000, metadata: { of: 'cli' } })
})
after(() => tmux('kill-server').catch(() => {}))

test('list shows what runs', async () => {
  const { stdout } = await cli('sandbox', 'list')
  assert.match(stdout, new RegExp(one.sandboxId))
  const listed = JSON.parse((await cli('sandbox', 'list', '--format', 'json')).stdout)
  assert.ok(listed.some((s) => s.sandboxId === one.sandboxId && s.state === 'running'))
})

test('info tells of one', async () => {
  const { stdout } = await cli('sandbox', 'info', one.sandboxId)
  assert.match(stdout, new RegExp(one.sandboxId))
  assert.match(stdout, /running/i)
})

test('exec runs a command, with its output and exit code', async () => {
  const { stdout } = await cli('sandbox', 'exec', one.sandboxId, 'echo', 'said inside')
  assert.match(stdout, /said inside/)
  const failed = await cli('sandbox', 'exec', one.sandboxId, 'sh -c "exit 7"').catch((e) => e)
  assert.equal(failed.code, 7)
})

const DATA = process.env.SANDLOT_TEST_DATA
const SANDLOT = new URL('../../sandlot', import.meta.url).pathname
const unknown = !DATA && 'the data directory of the server is not told in SANDLOT_TEST_DATA'

/** `sandlot e2b`, with the CLI in PATH and nothing else that could lead it to the server. */
const throughSandlot = (...args) => {
  const env = { ...process.env, PATH: `${path.dirname(CLI)}:${process.env.PATH}` }
  for (const name of Object.keys(env)) if (name.startsWith('E2B_')) delete env[name]
  const running = run(SANDLOT, ['e2b', '--data-dir', DATA, '--', ...args], { timeout: PATIENCE_MS, env })
  running.child.stdin.end()
  return running
}

test('sandlot e2b leads the CLI to the server', { skip: unknown }, async () => {
  assert.match((await throughSandlot('sandbox', 'list')).stdout, new RegExp(one.sandboxId))
  assert.match((await throughSandlot('template', 'list')).stdout, /TEMPLATE ID|No templates/i)
  assert.match((await throughSandlot('sandbox', 'exec', one.sandboxId, 'echo', 'said inside')).stdout, /said inside/)
})

test('sandlot e2b ends as the CLI does', { skip: unknown }, async () => {
  const failed = await throughSandlot('sandbox', 'exec', one.sandboxId, 'sh -c "exit 7"').catch((e) => e)
  assert.equal(failed.code, 7)
  const none = await throughSandlot('sandbox', 'info', 'i0000000000000000000').catch((e) => e)
  assert.notEqual(none.code ?? 0, 0)
  assert.match(none.stdout + none.stderr, /not found|wasn't found|doesn't exist|invalid/i)
})

test('create --detach makes one and kill ends it, once', async () => {
  const { stdout } = await cli('sandbox', 'create', '--detach', 'base')
  const [id] = /i[a-z0-9]{20}/.exec(stdout)
  assert.equal(await Sandbox.getInfo(id).then((i) => i.state), 'running')
  await cli('sandbox', 'kill', id)
  await assert.rejects(Sandbox.getInfo(id))
  const again = await cli('sandbox', 'kill', id).catch((e) => e)
  assert.match(again.stdout + again.stderr, /not found|wasn't found|doesn't exist/i)
})

const screen = async (name) => (await tmux('capture-pane', '-p', '-J', '-t', name)).stdout
const onScreen = (name, pattern) =>
  eventually(`${pattern} on the screen`, async () => pattern.test(await screen(name)), PATIENCE_MS).catch(async (e) => {
    throw new Error(`${e.message}; the screen is:\n${(await screen(name).catch(String)).trimEnd()}`)
  })

/** Starts the CLI in a terminal; when it has ended, its code stands on the screen. */
async function terminal(name, ...args) {
  const line = [CLI, ...args].map((a) => `'${a}'`).join(' ')
  await tmux('new-session', '-d', '-s', name, '-x', '150', '-y', '40', `${line}; echo "ended with $?"; sleep 600`)
}

const type = (name, text) => tmux('send-keys', '-t', name, text, 'Enter')

test('create opens a terminal, and its end ends the sandbox', { skip: !hasTmux && 'there is no tmux' }, async () => {
  const before = new Set((await Sandbox.list().nextItems()).map((s) => s.sandboxId))
  await terminal('create', 'sandbox', 'create', 'base')
  await onScreen('create', /~ ?\$ *$/m)
  const id = (await Sandbox.list().nextItems()).map((s) => s.sandboxId).find((s) => !before.has(s))
  await type('create', 'echo $((6 * 7)) $E2B_SANDBOX_ID; tty; stty size')
  await onScreen('create', new RegExp(`42 ${id}\\s+/dev/pts/\\d+\\s+40 150`))
  await type('create', 'exit')
  await onScreen('create', /ended with 0/)
  await eventually('the sandbox gone', async () => Sandbox.getInfo(id).then(() => false, () => true))
})

test('connect opens a terminal, and its end leaves the sandbox', { skip: !hasTmux && 'there is no tmux' }, async () => {
  await terminal('connect', 'sandbox', 'connect', one.sandboxId)
  await onScreen('connect', /~ ?\$ *$/m)
  await type('connect', 'echo $((6 * 7)) > ~/typed; cat ~/typed')
  await onScreen('connect', /^42$/m)
  await tmux('send-keys', '-t', 'connect', 'sleep 600', 'Enter')
  await onScreen('connect', /sleep 600/)
  await tmux('send-keys', '-t', 'connect', 'C-c')
  await type('connect', 'echo still $((1 + 1))')
  await onScreen('connect', /^still 2$/m)
  await type('connect', 'exit')
  await onScreen('connect', /ended with 0/)
  assert.equal(await one.files.read('/home/user/typed'), '42\n')
  assert.equal(await one.isRunning(), true)
})

test('a template is created from a Dockerfile, listed, published, withdrawn and deleted', { timeout: 600_000 }, async () => {
  const name = `accept-cli-${Date.now().toString(36)}`
  const dir = mkdtempSync(path.join(tmpdir(), 'sandlot-cli-'))
  writeFileSync(path.join(dir, 'Dockerfile'), 'FROM e2bdev/base\nCOPY file /srv/file\nRUN echo made > /srv/made\nCMD sleep 1000\n')
  writeFileSync(path.join(dir, 'file'), 'content')
  const creating = run(CLI, ['template', 'create', name, '--cpu-count', '1', '--memory-mb', '256', '--ready-cmd', 'true', '--path', dir], { timeout: 500_000 })
  creating.child.stdin.end()
  await creating
  assert.match((await cli('template', 'list')).stdout, new RegExp(`Private.*${name}`))
  const made = await sandbox(name)
  assert.equal((await made.commands.run('cat /srv/file /srv/made')).stdout, 'contentmade\n')
  assert.equal((await made.commands.run('pgrep -c sleep')).stdout.trim(), '1')
  await made.kill()
  await cli('template', 'publish', '-y', name)
  assert.match((await cli('template', 'list')).stdout, new RegExp(`Public.*${name}`))
  await cli('template', 'unpublish', '-y', name)
  assert.match((await cli('template', 'list')).stdout, new RegExp(`Private.*${name}`))
  await cli('template', 'delete', '-y', name)
  assert.doesNotMatch((await cli('template', 'list')).stdout, new RegExp(name))
})

test('delete asks in a terminal, and does what it is told', { timeout: 600_000, skip: !hasTmux && 'there is no tmux' }, async () => {
  const name = `accept-cli-ask-${Date.now().toString(36)}`
  await Template.build(Template().fromTemplate('base'), name, { cpuCount: 1, memoryMB: 256 })
  for (const [answer, remains] of [['n', true], ['y', false]]) {
    await terminal(`delete-${answer}`, 'template', 'delete', name)
    await onScreen(`delete-${answer}`, /\(y\/N\)|\(Y\/n\)/)
    await type(`delete-${answer}`, answer)
    await onScreen(`delete-${answer}`, /ended with \d/)
    assert.equal(await Template.exists(name), remains, await screen(`delete-${answer}`))
  }
})

test('a Dockerfile that does not build ends create with a code and the reason', { timeout: 600_000 }, async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sandlot-cli-'))
  writeFileSync(path.join(dir, 'Dockerfile'), 'FROM e2bdev/base\nRUN echo trouble >&2; exit 7\n')
  const name = `accept-cli-bad-${Date.now().toString(36)}`
  const failing = run(CLI, ['template', 'create', name, '--path', dir], { timeout: 500_000 })
  failing.child.stdin.end()
  const failed = await failing.then(() => assert.fail('it was built'), (e) => e)
  assert.equal(failed.code, 1)
  assert.match(failed.stdout + failed.stderr, /trouble/)
  assert.match(failed.stdout + failed.stderr, /exit.* 7/)
  await cli('template', 'delete', '-y', name)
})

/**
 * Runs its program without the interpreter's own end, in which the native part of the client (pyqwest 0.12) sometimes
 * aborts after all is done. An error of the program still ends it with a code.
 */
const TO_THE_LAST_LINE = 'import os, runpy, sys; runpy.run_path(sys.argv[1], run_name="__main__"); sys.stdout.flush(); os._exit(0)'

/** Runs a program that the CLI wrote, with the SDK of the tests, and gives a sandbox of what it built. */
async function built(dir, name) {
  await run(PYTHON, ['-c', TO_THE_LAST_LINE, 'build_prod.py'], { cwd: dir, timeout: 500_000 })
  return sandbox(name)
}

test('init writes a project that builds', { timeout: 600_000, skip: !hasPython && 'there is no Python SDK' }, async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sandlot-cli-'))
  const name = `accept-init-${Date.now().toString(36)}`
  await cli('template', 'init', '--name', name, '--language', 'python-sync', '--path', dir)
  t.after(() => api('DELETE', `/templates/${name}`))
  const made = await built(path.join(dir, name), name)
  assert.equal((await made.commands.run('id -un')).stdout, 'user\n')
  await made.kill()
})

test('migrate makes a program of a Dockerfile and its settings, and it builds', { timeout: 600_000, skip: !hasPython && 'there is no Python SDK' }, async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sandlot-cli-'))
  const name = `accept-migrate-${Date.now().toString(36)}`
  writeFileSync(path.join(dir, 'file'), 'migrated')
  writeFileSync(path.join(dir, 'e2b.Dockerfile'), 'FROM e2bdev/base\nCOPY file /srv/file\n')
  writeFileSync(
    path.join(dir, 'e2b.toml'),
    `template_id = "none"\ntemplate_name = "${name}"\ndockerfile = "e2b.Dockerfile"\nstart_cmd = "sleep 1000"\nready_cmd = "true"\ncpu_count = 1\nmemory_mb = 256\n`,
  )
  await cli('template', 'migrate', '--language', 'python-async', '--path', dir)
  t.after(() => api('DELETE', `/templates/${name}`))
  const made = await built(dir, name)
  assert.equal((await made.commands.run('cat /srv/file')).stdout, 'migrated')
  await eventually('the start command', async () => (await made.commands.run('pgrep -xc sleep; true')).stdout === '1\n')
  const { cpuCount, memoryMB } = await made.getInfo()
  assert.deepEqual([cpuCount, memoryMB], [1, 256])
  await made.kill()
})
