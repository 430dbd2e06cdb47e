// A disk that one sandbox keeps full: called by acceptance/full-disk, whose server leaves 128 MiB alone.
import test from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, statfsSync, writeSync } from 'node:fs'
import path from 'node:path'
import { Sandbox } from 'e2b'
import { api, eventually } from './support.mjs'

const DATA = process.env.SANDLOT_TEST_DATA
const PORT = Number(process.env.SANDLOT_TEST_OWN_PORT)
const SANDLOT = path.resolve(import.meta.dirname, '../../sandlot')
/** Takes whatever is freed, for as long as it lives. */
const HOG = 'while true; do cat /dev/zero >>/home/user/big; sleep 0.02; done 2>/dev/null'

let hog, neighbour

const sandlot = (...args) => execFileSync(SANDLOT, [...args, '--data-dir', DATA], { encoding: 'utf8' })
const pid = () => JSON.parse(sandlot('status', '--json')).pid
const freeMb = () => Math.floor((statfsSync(DATA).bavail * statfsSync(DATA).bsize) / (1 << 20))

/** Starts the server again; connections that were kept to the one before are noticed with the first request. */
async function up() {
  const ports = ['--port', PORT, '--traffic-port', PORT + 2, '--debug-port', PORT + 3].map(String)
  sandlot('up', '--detach', ...ports)
  await eventually('the server serves', async () => {
    try {
      return (await fetch(process.env.E2B_API_URL + '/health')).ok
    } catch {
      return false
    }
  })
}

/** Takes the last of what is left, which the sandbox may have not asked for. */
function fillRest() {
  const file = openSync(path.join(DATA, 'rest'), 'a')
  try {
    for (;;) writeSync(file, Buffer.alloc(4096))
  } catch (e) {
    assert.equal(e.code, 'ENOSPC')
  } finally {
    closeSync(file)
  }
}

function linesOfLog(text) {
  const lines = readFileSync(path.join(DATA, 'server.log'), 'utf8').split('\n')
  return lines.filter((line) => line.includes(text)).length
}

async function everythingOldGoesOn() {
  const refused = await api('POST', '/v2/sandboxes', { templateID: 'base' })
  assert.equal(refused.status, 503)
  assert.equal(refused.body.error_code, 'sandbox_capacity_unavailable')
  assert.match(refused.body.message, /the disk of node \S+ is nearly full/)
  const listed = await Sandbox.list().nextItems()
  assert.ok(listed.some((s) => s.sandboxId === neighbour.sandboxId))
  for (let seconds = 600; seconds < 630; seconds++) await neighbour.setTimeout(seconds * 1000)
  const left = new Date((await neighbour.getInfo()).endAt) - Date.now()
  assert.ok(left > 600_000 && left < 640_000, `${left} ms are left`)
  assert.equal((await neighbour.commands.run('echo alive')).stdout, 'alive\n')
  assert.match(await neighbour.files.read('/etc/hostname'), /\w/)
  await assert.rejects(neighbour.files.write('/home/user/large', 'x'.repeat(8 << 20)), { name: 'NotEnoughSpaceError' })
}

test('a sandbox fills the disk', async () => {
  hog = await Sandbox.create()
  neighbour = await Sandbox.create()
  await hog.commands.run(HOG, { background: true, timeoutMs: 0 })
  await eventually('the disk is full', () => freeMb() === 0, 60_000)
})

test('what runs goes on, and what is new is refused', async () => {
  fillRest()
  await everythingOldGoesOn()
  const doctor = spawnSync(SANDLOT, ['doctor', '--data-dir', DATA], { encoding: 'utf8' })
  assert.match(doctor.stdout, /missing\s+disk space .* are refused/)
  assert.match(sandlot('status'), /disk +nearly full/)
})

/** Some file systems have no room for the line by the time it is written. */
test('the log says it no more than once, however much was refused', () => assert.ok(linesOfLog('is nearly full') < 2))

test('a killed server starts and takes over', async () => {
  process.kill(pid(), 'SIGKILL')
  fillRest()
  await up()
  await everythingOldGoesOn()
})

test('a server that was stopped starts and takes over', async () => {
  sandlot('down', '--keep-sandboxes')
  fillRest()
  await up()
  await everythingOldGoesOn()
})

test('killing what filled it brings all back', async () => {
  assert.equal(await hog.kill(), true)
  await eventually('there is room', () => freeMb() >= 128, 20_000)
  const fresh = await Sandbox.create()
  assert.equal((await fresh.commands.run('echo fresh')).stdout, 'fresh\n')
  await neighbour.files.write('/home/user/large', 'x'.repeat(8 << 20))
  await eventually('the log says since when there was none', () => linesOfLog('has room again') === 1)
  assert.equal(await fresh.kill(), true)
  assert.equal(await neighbour.kill(), true)
})
