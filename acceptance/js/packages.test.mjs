import test from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Template } from 'e2b'
import { sandbox } from './support.mjs'
import { PATIENCE, build, context, failure, fresh, machineClients } from './templating.mjs'

const CLIENTS = machineClients()
const FIRST = { fileContextPath: CLIENTS.dir }
const SIZES = { cpuCount: 1, memoryMB: 1024 }

/** How clients say that a registry cannot be reached at all, which no template is to blame for. */
const UNREACHABLE = /Temporary failure|Could not resolve|EAI_AGAIN|ENOTFOUND|ETIMEDOUT|ECONNREFUSED|ConnectionRefused|ConnectTimeout|NewConnectionError|unreachable|Connection failed/i

/** With what this machine's clients are told, for root and for everybody. */
function asHere(template) {
  return template.copy('machine-ca.crt', '/opt/machine/', { user: 'root', mode: 0o644 }).setEnvs(CLIENTS.envs)
}

/** Builds; skips the test, with the reason, where no registry can be reached from a sandbox. */
async function installed(t, template, name) {
  const lines = []
  try {
    await build(template, name, { ...SIZES, onBuildLogs: (e) => lines.push(e.message) })
  } catch (e) {
    const reason = lines.find((line) => UNREACHABLE.test(line))
    if (reason === undefined) throw new Error(`${e.message}\n${lines.slice(-40).join('\n')}`)
    t.skip(`a registry cannot be reached from a sandbox: ${reason}`)
    return undefined
  }
  const s = await sandbox(name)
  return async (command) => (await s.commands.run(command, { timeoutMs: 60_000 })).stdout.trim()
}

/** The stand-ins of several images are made at once. */
const images = { python: fresh('python'), node: fresh('node'), debian: fresh('debian'), ubuntu: fresh('ubuntu') }
const made = {
  python: build(asHere(Template(FIRST).fromPythonImage('3.13')), images.python, SIZES),
  node: build(asHere(Template(FIRST).fromNodeImage()), images.node, SIZES),
  debian: build(Template().fromDebianImage('stable-slim'), images.debian, SIZES),
  ubuntu: build(Template().fromUbuntuImage('24.04'), images.ubuntu, SIZES),
}
for (const one of Object.values(made)) one.catch(() => {})

// template-build.md 8.2, 22 rows 8 and 9; the FUSE device: docs/decisions.md 110
test('images of distributions have what every template is promised', PATIENCE, async () => {
  const programs = 'bash sudo curl git jq less socat ip ss ping fusermount3 pgrep useradd update-ca-certificates'
  for (const image of ['debian', 'ubuntu']) {
    await made[image]
    const s = await sandbox(images[image])
    const { stdout } = await s.commands.run(`for p in ${programs}; do command -v $p >/dev/null || sudo which $p >/dev/null || echo "no $p"; done; . /etc/os-release; echo $ID; id -un; sudo -n id -un; echo $SHELL; stat -c %a /usr/local /code; sudo sed -n 's/^root:\\([^:]*\\):.*/[\\1]/p' /etc/shadow`)
    assert.match(stdout, new RegExp(`^(debian|${image})\\nuser\\nroot\\n/bin/bash\\n777\\n777\\n\\[\\]\\n$`), 'or what stands in for it')
  }
})

test('images that nothing stands in for need a registry, and the failure says so', PATIENCE, async () => {
  const wanted = {
    fedora: Template().fromFedoraImage(),
    alpine: Template().fromAlpineImage(),
    arch: Template().fromArchImage(),
    bun: Template().fromBunImage(),
  }
  await Promise.all(
    Object.entries(wanted).map(async ([id, template]) => {
      const name = fresh(id)
      try {
        await build(template, name, SIZES)
      } catch (e) {
        assert.match(e.message, /registry cannot be reached: the image \S+ names none, and the setting images\.registry is empty/)
        return
      }
      const s = await sandbox(name)
      assert.equal((await s.commands.run('. /etc/os-release; echo $ID')).stdout.trim(), id === 'bun' ? 'debian' : id)
    }),
  )
})

test('pip installs for all, for the user, and what lies here', PATIENCE, async (t) => {
  await made.python
  const dir = context({
    mine: { 'pyproject.toml': '[project]\nname = "mine"\nversion = "1.5"\n', 'mine.py': 'SAYS = "of here"\n' },
  })
  const template = Template({ fileContextPath: dir })
    .fromTemplate(images.python)
    .pipInstall('six')
    .pipInstall(['iniconfig', 'toml==0.10.2'], { g: false })
    .copy('mine', '/srv/mine')
    .setWorkdir('/srv/mine')
    .pipInstall()
    .setWorkdir('/home/user')
  const run = await installed(t, template, fresh('pip'))
  if (run === undefined) return
  assert.equal(await run('python -c "import six, iniconfig, toml, mine; print(toml.__version__, mine.SAYS)"'), '0.10.2 of here')
  assert.match(await run('python -c "import iniconfig; print(iniconfig.__file__)"'), /^\/home\/user\/\.local\//)
  assert.doesNotMatch(await run('python -c "import six; print(six.__file__)"'), /^\/home\//)
  assert.equal(await run('cd /; sudo python -c "import six, mine; print(mine.SAYS)"'), 'of here')
})

test('npm installs for all, here, for development, and what is listed; so does bun', PATIENCE, async (t) => {
  await made.node
  const dir = context({ 'package.json': JSON.stringify({ name: 'app', version: '1.0.0', dependencies: { 'is-number': '7.0.0' } }) })
  const template = Template({ fileContextPath: dir })
    .fromTemplate(images.node)
    .setWorkdir('/home/user/app')
    .copy('package.json', '.')
    .npmInstall()
    .npmInstall('kind-of@6.0.3')
    .npmInstall(['isobject'], { dev: true })
    .npmInstall('semver@7.6.3', { g: true })
    .npmInstall('bun', { g: true })
    .setWorkdir('/home/user/bunned')
    .copy('package.json', '.')
    .bunInstall()
    .bunInstall(['kind-of@6.0.3'])
    .bunInstall('isobject', { dev: true })
    .bunInstall('semver@7.6.3', { g: true })
  const run = await installed(t, template, fresh('npm'))
  if (run === undefined) return
  for (const here of ['/home/user/app', '/home/user/bunned']) {
    const list = JSON.parse(await run(`cat ${here}/package.json`))
    assert.deepEqual([Object.keys(list.dependencies).sort(), Object.keys(list.devDependencies)], [['is-number', 'kind-of'], ['isobject']])
    assert.equal(await run(`cd ${here}; node -p 'require("is-number")(7) + require("kind-of")([]) + require("isobject")({})'`), 'truearraytrue')
    assert.equal(await run(`stat -c %U ${here}/node_modules/is-number/index.js`), 'user')
  }
  assert.equal(await run('semver 1.2.3; sudo ls /root/.bun/bin'), '1.2.3\nsemver')
})

test('apt installs as root, with its options', PATIENCE, async (t) => {
  const template = Template()
    .fromTemplate('base')
    .aptInstall('figlet')
    .aptInstall(['fortune-mod', 'sl'], { noInstallRecommends: true, fixMissing: true })
  const run = await installed(t, template, fresh('apt'))
  if (run === undefined) return
  assert.equal(await run('dpkg-query -W -f \'${Status} ${Package}\\n\' figlet fortune-mod sl'), ['figlet', 'fortune-mod', 'sl'].map((p) => `install ok installed ${p}`).join('\n'))
  assert.equal(await run('dpkg -l fortunes-min | grep -c ^ii || true'), '0')
  assert.match(await run('figlet -f term hello; id -un'), /hello\s+user/)
})

/** An authority of its own, and a server's certificate by it. */
function authority() {
  const dir = context({ 'server.ext': 'subjectAltName=DNS:localhost\n' })
  const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'our-ca.crt', '-subj', '/CN=Our authority', '-days', '2', '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost')
  openssl('x509', '-req', '-in', 'server.csr', '-CA', 'our-ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'server.crt', '-days', '2', '-extfile', 'server.ext')
  return dir
}

// template-build.md 8.3 and 22 row 16
test('authorities added during a build are trusted in sandboxes', PATIENCE, async () => {
  const dir = authority()
  const both = { copied: fresh('ca-copied'), updated: fresh('ca-updated'), without: 'base' }
  const base = () => Template({ fileContextPath: dir }).fromTemplate('base')
  await Promise.all([
    build(base().copy('our-ca.crt', '/usr/local/share/ca-certificates/', { user: 'root' }), both.copied),
    build(base().copy('our-ca.crt', '/usr/local/share/ca-certificates/', { user: 'root' }).runCmd('update-ca-certificates', { user: 'root' }), both.updated),
  ])
  const server = 'import http.server, ssl; s = http.server.HTTPServer(("localhost", 8443), http.server.SimpleHTTPRequestHandler); c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain("/tmp/server.crt", "/tmp/server.key"); s.socket = c.wrap_socket(s.socket, server_side=True); s.serve_forever()'
  const asked = 'for i in $(seq 50); do ss -Htln sport = :8443 | grep -q . && break; sleep 0.1; done; curl -s -o /dev/null -w "%{http_code}" https://localhost:8443/; echo; python3 -c "import urllib.request as u; print(u.urlopen(\'https://localhost:8443/\').status)" 2>&1 | tail -1'
  const answers = {}
  for (const [kind, name] of Object.entries(both)) {
    const s = await sandbox(name)
    for (const file of ['server.crt', 'server.key']) await s.files.write(`/tmp/${file}`, readFileSync(path.join(dir, file), 'utf8'))
    await s.commands.run(`python3 -c '${server}'`, { background: true, cwd: '/code' })
    answers[kind] = (await s.commands.run(asked)).stdout.trim()
  }
  assert.match(answers.without, /^000\n.*certificate verify failed/i)
  assert.equal(answers.updated, '200\n200')
  assert.equal(answers.copied, '200\n200')
})
