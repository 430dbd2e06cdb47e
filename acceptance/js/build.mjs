// `sandlot template build` as a shell sees it, and kills of the server in the middle of a build. Called by
// acceptance/registries.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Sandbox, Template } from 'e2b'
import { eventually, sandbox } from './support.mjs'
import { DATA, SANDLOT, TEAM, WORK, build, buildError, ending, forget, fresh, image, killServer, pushed, up } from './oci.mjs'

const PATIENCE = { timeout: 300_000 }
const SIZE = ['--cpu', '1', '--memory', '256']

const BASE = `${process.env.SANDLOT_TEST_OPEN_REGISTRY}/${TEAM}/linux:1`

before(async () => pushed(await image({ files: { 'srv/base': 'base' } }), `${TEAM}/linux:1`), PATIENCE)
after(forget)

function context(dockerfile) {
  const dir = mkdtempSync(path.join(WORK, 'context-'))
  writeFileSync(path.join(dir, 'Dockerfile'), dockerfile)
  writeFileSync(path.join(dir, 'file'), 'content')
  return dir
}

const templateBuild = (dir, ...more) => ending(SANDLOT, ['template', 'build', dir, ...SIZE, '--data-dir', DATA, ...more])

test('a directory is built, with code 0', PATIENCE, async () => {
  const name = fresh('shell')
  const done = await templateBuild(context(`FROM ${BASE}\nCOPY file /srv/file\nRUN echo made of $((6 * 7))\n`), '--name', name)
  assert.equal(done.code, 0, done.text)
  assert.match(done.stdout, /made of 42/)
  assert.match(done.stdout, new RegExp(`Ready: .*${name}`))
  assert.equal(await (await sandbox(name)).files.read('/srv/file'), 'content')
})

test('a failing step ends it with code 1 and its number, a bad directory with 2', PATIENCE, async () => {
  const failed = await templateBuild(context(`FROM ${BASE}\nRUN true\nRUN echo trouble >&2; exit 7\n`), '--name', fresh('fails'))
  assert.equal(failed.code, 1, failed.text)
  assert.match(failed.stdout, /trouble/)
  assert.match(failed.stderr, /^sandlot: step 4: .*exit status 7$/m)
  const empty = await templateBuild(mkdtempSync(path.join(WORK, 'empty-')))
  assert.equal(empty.code, 2, empty.text)
  assert.match(empty.stderr, /Dockerfile/)
})

test('Ctrl-C ends it with code 130 and says that the build goes on, and it does', PATIENCE, async () => {
  const name = fresh('interrupted')
  const dir = context(`FROM ${BASE}\nRUN echo under way; sleep 3; echo ${name} > /srv/done\n`)
  const child = spawn(SANDLOT, ['template', 'build', dir, ...SIZE, '--name', name, '--data-dir', DATA], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk))
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })))
  await eventually('the step under way', async () => /s?[0-9.]+ under way|: under way/.test(text) || child.exitCode !== null, 120_000)
  child.kill('SIGINT')
  assert.deepEqual(await ended, { code: 130, signal: null }, text)
  assert.match(text, /no longer watching; build [0-9a-f-]{36} goes on at the server/)
  const made = await untilThere(name)
  assert.equal((await made.files.read('/srv/done')).trim(), name)
})

async function untilThere(name) {
  let made
  await eventually(`a sandbox of ${name}`, async () => (made = await Sandbox.create(name).catch(() => undefined)), 120_000)
  after(() => made.kill().catch(() => {}))
  return made
}

test('a build whose server is killed ends with a reason, and is cached as far as it came', PATIENCE, async () => {
  const name = fresh('killed')
  const begin = Template().fromTemplate('base').runCmd(`echo ${name} > /home/user/first`)
  const info = await Template.buildInBackground(begin.runCmd('echo second; sleep 600'), name, { cpuCount: 1, memoryMB: 256 })
  const status = () => Template.getBuildStatus(info, { logsOffset: 0 })
  await eventually('the second step', async () => (await status()).logEntries.some((e) => /stdout\]: second/.test(e.message)), 120_000)
  await (await killServer())()
  await up({ SANDLOT_IMAGES_PRIVATE_REGISTRIES: 'false' })
  await eventually('the end of the build', async () => (await status()).status !== 'building', 30_000)
  const after = await status()
  assert.equal(after.status, 'error')
  assert.match(after.reason.message, /\w+ \w+/)
  console.log(`reason after a kill: ${after.reason.message}`)
  const again = Template().fromTemplate('base').runCmd(`echo ${name} > /home/user/first`).runCmd('echo second > /home/user/second')
  const { text } = await build(again, name)
  assert.match(text, /CACHED \[builder 1\/2\]/)
  assert.equal((await (await sandbox(name)).commands.run('cat first second')).stdout, `${name}\nsecond\n`)
})

// docs/decisions.md 63; the server was started again without the setting
test('a registry at a private address is not asked unless the setting allows it', PATIENCE, async () => {
  const message = await buildError(Template().fromImage(`${process.env.SANDLOT_TEST_OPEN_REGISTRY}/${TEAM}/other:1`), fresh('private'))
  assert.match(message, /127\.0\.0\.1 is at a private address;.*images\.private-registries/)
})
