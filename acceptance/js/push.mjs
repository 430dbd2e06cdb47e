// The way of older clients: a template is asked for, its image built and pushed with Docker, and the build begun
// (template-build.md 17). Called by acceptance/registries, with a Docker daemon of its own.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { randomBytes, createHash } from 'node:crypto'
import { spawn } from 'node:child_process'
import path from 'node:path'
import { Sandbox } from 'e2b'
import { api, eventually, sandbox } from './support.mjs'
import { DATA, PASSWORD, REGISTRY, TEAM, WORK, ending, forget, fresh, image, killServer, operator, program, pushed, up } from './oci.mjs'

const PATIENCE = { timeout: 900_000 }
const PORT = process.env.SANDLOT_TEST_DOCKER_PORT
const API = new URL(process.env.E2B_API_URL).host.replace('localhost', '127.0.0.1')
const DOOR = `127.0.0.1:${PORT}`
const BASE = `${REGISTRY}/${TEAM}/linux:1`
const LARGE_BYTES = 64 << 20
const docker = (...args) => program('docker', args)
const dockerEnds = (...args) => ending('docker', args)
let token, stranger

async function accessToken(slug) {
  const stamp = `${slug ?? 'local'}-${Date.now().toString(36)}`
  const team = slug
    ? await operator('POST', '/admin/teams', { name: stamp, slug: stamp })
    : (await operator('GET', '/admin/teams')).find((t) => t.slug === 'local')
  const person = await operator('POST', '/admin/users', { email: `${stamp}@example.test` })
  await operator('PUT', `/admin/teams/${team.teamID}/members/${person.userID}`)
  return (await operator('POST', `/admin/users/${person.userID}/access-tokens`, { name: 'tests' })).token
}

before(async () => {
  token = await accessToken()
  stranger = await accessToken('strangers')
  await pushed(await image({ files: { 'srv/base': 'base' }, config: { Env: ['PATH=/usr/bin:/bin', 'FROM_BASE=1'] } }), `${TEAM}/linux:1`)
  await login(REGISTRY, 'tester', PASSWORD)
}, PATIENCE)
after(forget)

async function login(host, user, password) {
  const child = spawn('docker', ['login', host, '-u', user, '--password-stdin'], { stdio: ['pipe', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk))
  child.stdin.end(password)
  const code = await new Promise((resolve) => child.on('close', resolve))
  return { code, text }
}

function tokenAnswer(build, accessToken) {
  const basic = Buffer.from(`_e2b_access_token:${accessToken}`).toString('base64')
  const scope = encodeURIComponent(`repository:e2b/custom-envs/${build.templateID}:push,pull`)
  return fetch(`http://${DOOR}/v2/token?scope=${scope}`, { headers: { Authorization: `Basic ${basic}` } })
}

const tokenFor = async (build) => (await (await tokenAnswer(build, token)).json()).token

/** A call as the older CLI makes it. */
async function legacy(method, route, body, bearer = token) {
  const response = await fetch(process.env.E2B_API_URL + route, {
    method,
    headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, body: text && JSON.parse(text) }
}

async function asked(name) {
  const { status, body } = await legacy('POST', '/templates', { dockerfile: 'FROM scratch', alias: name, cpuCount: 1, memoryMB: 256 })
  assert.equal(status, 202, JSON.stringify(body))
  return { ...body, ref: (host) => `${host}/e2b/custom-envs/${body.templateID}:${body.buildID}` }
}

function context(dockerfile, files = {}) {
  const dir = mkdtempSync(path.join(WORK, 'context-'))
  for (const [name, text] of Object.entries({ Dockerfile: dockerfile, ...files })) writeFileSync(path.join(dir, name), text)
  return dir
}

const dockerBuild = (tag, dir) => docker('build', '-q', '-t', tag, dir)

const status = async (build, offset = 0) =>
  (await legacy('GET', `/templates/${build.templateID}/builds/${build.buildID}/status?logsOffset=${offset}`)).body

/** Begins a build and reads its log to the end. */
async function begun(build) {
  assert.equal((await legacy('POST', `/templates/${build.templateID}/builds/${build.buildID}`)).status, 202)
  let now
  await eventually('the end of the build', async () => (now = await status(build)).status === 'ready' || now.status === 'error', 180_000)
  return now
}

test('what Docker builds and pushes becomes a template', PATIENCE, async () => {
  const name = fresh('docker')
  const build = await asked(name)
  assert.match((await login(DOOR, '_e2b_access_token', 'sk_e2b_' + '0'.repeat(40))).text, /denied/)
  assert.match((await login(DOOR, '_e2b_access_token', `"${token}"\n`)).text, /Login Succeeded/)
  await dockerBuild(build.ref(DOOR), context(`FROM ${BASE}\nCOPY file /srv/file\nENV A=b\nUSER nobody\n`, { file: 'content' }))
  await docker('push', build.ref(DOOR))

  await docker('rmi', build.ref(DOOR))
  await docker('pull', build.ref(DOOR))
  assert.match((await docker('image', 'inspect', build.ref(DOOR))).stdout, /"A=b"/)

  const grant = await tokenFor(build)
  const upload = () => fetch(`http://${DOOR}/v2/e2b/custom-envs/${build.templateID}/blobs/uploads/`, { method: 'POST', headers: { Authorization: `Bearer ${grant}` } })
  assert.equal((await upload()).status, 202)
  const { status: state, logs, reason } = await begun(build)
  assert.equal(state, 'ready', reason?.message)
  assert.ok(logs.length > 3 && logs.every((l) => /^\[\d{4}-\d\d-\d\dT[^\]]*\] .*\n$/s.test(l)), JSON.stringify(logs))
  const s = await sandbox(name)
  assert.equal((await s.commands.run('cat /srv/file /srv/base; id -un; pwd')).stdout, 'contentbaseuser\n/home/user\n')

  const late = await dockerEnds('push', build.ref(DOOR))
  assert.notEqual(late.code, 0)
  assert.match(late.text, /denied/, 'nothing is pushed once the build began')
  assert.equal((await upload()).status, 403, 'nor with a token that was given before')
})

test('skopeo pushes by the port of the API, and takes it back', PATIENCE, async () => {
  const name = fresh('skopeo')
  const build = await asked(name)
  const made = await image({ files: { 'srv/of': 'skopeo' } })
  const there = `e2b/custom-envs/${build.templateID}:${build.buildID}`
  await pushed(made, there, `_e2b_access_token:${token}`, API)
  await program('skopeo', ['copy', '--insecure-policy', '--src-tls-verify=false', '--src-creds', `_e2b_access_token:${token}`, `docker://${DOOR}/${there}`, `dir:${WORK}/back`])
  assert.ok(existsSync(`${WORK}/back/${made.digest.slice(7)}`) || readFileSync(`${WORK}/back/manifest.json`).length > 100)
  assert.equal((await begun(build)).status, 'ready')
  assert.equal((await (await sandbox(name)).commands.run('cat /srv/of')).stdout, 'skopeo')
})

test('nobody pushes to the template of others, or without asking for a build', PATIENCE, async () => {
  const build = await asked(fresh('foreign'))
  const made = await image({ tree: false, files: { a: 'b' } })
  const place = `e2b/custom-envs/${build.templateID}:${build.buildID}`
  await assert.rejects(pushed(made, place, `_e2b_access_token:${stranger}`, DOOR), /denied|403|Forbidden/i)
  await assert.rejects(pushed(made, 'e2b/custom-envs/abcdefghij0123456789:x', `_e2b_access_token:${token}`, DOOR), /denied|403|Forbidden/i)
  await assert.rejects(pushed(made, 'other/place:x', `_e2b_access_token:${token}`, DOOR), /400|invalid|Bad Request|denied/i)
  assert.equal((await tokenAnswer(build, stranger)).status, 403)
  const failed = await begun(build)
  assert.equal(failed.status, 'error', 'nothing was pushed')
  assert.match(failed.reason.message, /push|image/)
})

const uploads = () => {
  const home = `${DATA}/pool/registry/uploads`
  return readdirSync(home).map((id) => statSync(path.join(home, id, 'data'), { throwIfNoEntry: false })?.size ?? 0)
}

test('a push that a kill of the server cuts off shows nothing half, and goes through when it is repeated', PATIENCE, async () => {
  const name = fresh('cut')
  const build = await asked(name)
  const noise = randomBytes(LARGE_BYTES)
  const sum = createHash('sha256').update(noise).digest('hex')
  await login(DOOR, '_e2b_access_token', token)
  await dockerBuild(build.ref(DOOR), context(`FROM ${BASE}\nCOPY noise /srv/noise\n`, { noise }))
  const kill = await killServer()
  const push = ending('docker', ['push', build.ref(DOOR)])
  await eventually('much of the push', async () => uploads().some((size) => size > LARGE_BYTES / 4), 120_000)
  await kill()
  await up()
  const holder = Buffer.from(`admin:${readFileSync(`${DATA}/admin-token`, 'utf8').trim()}`).toString('base64')
  const seen = (what) =>
    fetch(`http://${DOOR}/v2/e2b/custom-envs/${build.templateID}/${what}`, { headers: { Authorization: `Basic ${holder}` } })
  assert.equal((await seen(`manifests/${build.buildID}`)).status, 404, 'no manifest before all of it is there')
  const tags = await seen('tags/list')
  assert.ok(tags.status === 404 || (await tags.json()).tags.length === 0, 'no tag either')
  const first = await push
  console.log(`the push that was cut ended with ${first.code}: ${first.text.trim().split('\n').at(-1)}`)
  await docker('push', build.ref(DOOR))
  assert.equal((await begun(build)).status, 'ready')
  assert.match((await (await sandbox(name)).commands.run('sha256sum /srv/noise')).stdout, new RegExp(sum))
})

const CLI = process.env.SANDLOT_TEST_OLD_CLI

test('an older CLI builds, pushes and waits by itself, also where its mask says', { ...PATIENCE, skip: !CLI && 'the older CLI is not to be had from npm' }, async () => {
  const name = fresh('old-cli')
  const dir = context(`FROM ${BASE}\nCOPY file /srv/file\n`, { file: 'by the old CLI' })
  const env = { ...process.env, E2B_DOMAIN: `localhost:${PORT}`, E2B_ACCESS_TOKEN: token }
  const build = async (more = {}) => {
    const running = program(CLI, ['template', 'build', '--path', dir, '--dockerfile', 'Dockerfile', '--name', name, '--cpu-count', '1', '--memory-mb', '256', '--cmd', 'sleep 1000', '--ready-cmd', 'true'], { env: { ...env, ...more } })
    running.child.stdin.end()
    const { stdout, stderr } = await running
    return stdout + stderr
  }
  const text = await build()
  assert.match(text, /Building sandbox template .* finished/)
  assert.match(readFileSync(path.join(dir, 'e2b.toml'), 'utf8'), new RegExp(`template_name = "${name}"`))
  const s = await sandbox(name)
  assert.equal(await s.files.read('/srv/file'), 'by the old CLI')
  await eventually('the start command', async () => (await s.commands.run('pgrep -xc sleep; true')).stdout === '1\n')
  writeFileSync(path.join(dir, 'file'), 'again')
  await login(DOOR, '_e2b_access_token', token)
  await build({ E2B_DOMAIN: 'nowhere.invalid', E2B_IMAGE_URI_MASK: `${DOOR}/e2b/custom-envs/{templateID}:{buildID}` })
  assert.equal((await (await sandbox(name)).commands.run('cat /srv/file')).stdout, 'again')
})

/** docs/decisions.md 121; the address is this machine's, by a name that does not say so. The last test: the server
 * stays as it is. */
test('what is pushed goes on to a registry behind, without TLS when its address says so', PATIENCE, async () => {
  await (await killServer())()
  await up({ REGISTRY_URL: `http://tester:${PASSWORD}@${REGISTRY.replace('127.0.0.1', '0.0.0.0')}` })
  const name = fresh('behind')
  const build = await asked(name)
  await pushed(await image({ files: { 'srv/of': 'behind' } }), `e2b/custom-envs/${build.templateID}:${build.buildID}`, `_e2b_access_token:${token}`, DOOR)
  const there = await program('skopeo', ['inspect', '--tls-verify=false', '--creds', `tester:${PASSWORD}`, `docker://${build.ref(REGISTRY)}`])
  assert.equal(JSON.parse(there.stdout).Name, `${REGISTRY}/e2b/custom-envs/${build.templateID}`)
  const { status: state, reason } = await begun(build)
  assert.equal(state, 'ready', reason?.message)
  assert.equal((await (await sandbox(name)).commands.run('cat /srv/of')).stdout, 'behind')
  const said = readFileSync(`${DATA}/server.log`, 'utf8')
  assert.match(said, /WARN .*0\.0\.0\.0:\d+ go to it over plain HTTP/)
  assert.ok(!said.includes(PASSWORD))
})
