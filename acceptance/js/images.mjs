// Images as archives, builds on a full node, and what is taken out: called by acceptance/images, whose server has room
// for two sandboxes and one build.
import test from 'node:test'
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Sandbox, Template } from 'e2b'
import { api, eventually, sandbox } from './support.mjs'

const DATA = process.env.SANDLOT_TEST_DATA
const PORT = Number(process.env.SANDLOT_TEST_OWN_PORT)
const SANDLOT = path.resolve(import.meta.dirname, '../../sandlot')
const PATIENCE = { timeout: 600_000 }
const scratch = mkdtempSync(path.join(process.env.SANDLOT_TEST_SCRATCH ?? '/var/tmp', 'sandlot-images-'))
const run = Date.now().toString(36)
const built = []

test.after(async () => {
  for (const name of built) await api('DELETE', `/templates/${name}`)
  rmSync(scratch, { recursive: true })
})

const command = (program, args, options = {}) => {
  const ended = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options })
  return { code: ended.status, out: ended.stdout, err: ended.stderr }
}

function sandlot(...args) {
  return command(SANDLOT, [...args, '--data-dir', DATA])
}

function done(...args) {
  const ended = sandlot(...args)
  assert.equal(ended.code, 0, ended.err)
  return ended
}

async function build(template, name, options = {}) {
  if (!built.includes(name)) built.push(name)
  const lines = []
  const info = await Template.build(template, name, { cpuCount: 1, memoryMB: 256, onBuildLogs: (e) => lines.push(e.message), ...options })
  return { info, text: lines.join('\n') }
}

const sha = async (file) => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** The base template of the server, in the form in which `docker save` writes images. */
let saved
async function savedBase() {
  if (saved) return saved
  const out = path.join(scratch, 'base')
  done('template', 'export', 'base', out)
  const metadata = JSON.parse(readFileSync(path.join(out, 'metadata.json')))
  const layout = path.join(scratch, 'layout')
  command('mkdir', [layout])
  assert.equal(command('tar', ['-xf', path.join(out, 'image.tar'), '-C', layout]).code, 0)
  rmSync(out, { recursive: true })
  const blob = (digest) => path.join(layout, 'blobs/sha256', digest.slice(7))
  const index = JSON.parse(readFileSync(path.join(layout, 'index.json')))
  const manifest = JSON.parse(readFileSync(blob(index.manifests[0].digest)))
  const docker = path.join(scratch, 'docker')
  const layers = []
  for (const [i, layer] of manifest.layers.entries()) {
    command('mkdir', ['-p', path.join(docker, `layer${i}`)])
    command('mv', [blob(layer.digest), path.join(docker, `layer${i}/layer.tar`)])
    layers.push(`layer${i}/layer.tar`)
  }
  const config = manifest.config.digest.slice(7)
  command('mv', [blob(manifest.config.digest), path.join(docker, `${config}.json`)])
  writeFileSync(
    path.join(docker, 'manifest.json'),
    JSON.stringify([{ Config: `${config}.json`, RepoTags: [`air/gapped:${run}`], Layers: layers }]),
  )
  const file = path.join(scratch, 'saved.tar')
  assert.equal(command('tar', ['-cf', file, '-C', docker, '.']).code, 0)
  rmSync(docker, { recursive: true })
  rmSync(layout, { recursive: true })
  saved = { file, config, layers: manifest.layers.map((l) => l.digest), metadata }
  return saved
}

const images = () => JSON.parse(done('image', 'list', '--json').out)
const contents = () => readdirSync(path.join(DATA, 'pool/registry/content'))
let pushed

test('an image of docker save is imported, built from without any registry, and comes back with its digests', PATIENCE, async () => {
  for (const { name } of images()) done('image', 'delete', name) // of a run that was cut off
  pushed = contents()
  const { file, config, layers, metadata } = await savedBase()
  assert.ok(metadata.diskSizeMB > 50, `the size of base is ${metadata.diskSizeMB}`)
  const imported = done('image', 'import', file)
  assert.match(imported.err, /MB/, 'progress is shown')
  const image = images().find((i) => i.name === `air/gapped:${run}`)
  assert.ok(image, 'it is listed')
  const { text } = await build(Template().fromImage(`air/gapped:${run}`).runCmd('echo built > /tmp/built'), `img-${run}`)
  assert.match(text, /which was imported as sha256:/)
  const s = await sandbox(`img-${run}`)
  assert.equal((await s.commands.run('cat /tmp/built')).stdout, 'built\n')
  await s.kill()
  const out = path.join(scratch, 'out.tar')
  done('image', 'export', image.name, out)
  const raw = command('skopeo', ['inspect', '--raw', `oci-archive:${out}`])
  assert.equal(raw.code, 0, raw.err)
  const manifest = JSON.parse(raw.out)
  assert.equal('sha256:' + createHash('sha256').update(raw.out).digest('hex'), image.digest)
  assert.equal(manifest.config.digest, `sha256:${config}`)
  assert.deepEqual(manifest.layers.map((l) => l.digest), layers)
  const other = command(SANDLOT, ['image', 'import', '-', '--name', `other:${run}`, '--data-dir', DATA], {
    input: readFileSync(out),
  })
  assert.equal(other.code, 0, other.err)
  assert.equal(images().find((i) => i.name === `other:${run}`).digest, image.digest)
  done('image', 'delete', `other:${run}`)
  assert.equal(sandlot('image', 'export', `other:${run}`, path.join(scratch, 'none.tar')).code, 1)
  rmSync(out)
})

test('archives that are no images are refused with a reason and leave nothing', PATIENCE, async () => {
  const { file } = await savedBase()
  const before = command('sh', ['-c', `ls ${DATA}/pool/registry/content ${DATA}/pool/layers ${DATA}/pool/staging`]).out
  const junk = path.join(scratch, 'junk.tar')
  writeFileSync(junk, Buffer.alloc(40 << 20, 'junk'))
  const refused = sandlot('image', 'import', junk)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /archive is refused/)
  const cut = path.join(scratch, 'cut.tar')
  await pipeline(createReadStream(file, { end: statSync(file).size >> 1 }), createWriteStream(cut))
  assert.match(sandlot('image', 'import', cut).err, /archive is refused/)
  assert.match(sandlot('image', 'import', file, '--name', 'Not A Name').err, /not an image reference/)
  assert.equal(command('sh', ['-c', `ls ${DATA}/pool/registry/content ${DATA}/pool/layers ${DATA}/pool/staging`]).out, before)
  rmSync(cut)
})

test('a server killed in the middle of an import has none of it, and the images of before', PATIENCE, async () => {
  const { file } = await savedBase()
  const pid = JSON.parse(done('status', '--json').out).pid
  const body = createReadStream(file)
  let sent = 0
  const token = process.env.ADMIN_TOKEN ?? readFileSync(path.join(DATA, 'admin-token'), 'utf8').trim()
  const half = statSync(file).size / 2
  const sending = fetch(`${process.env.E2B_API_URL}/admin/images?name=cut:${run}`, {
    method: 'POST',
    headers: { 'X-Admin-Token': token, 'Content-Type': 'application/x-tar' },
    duplex: 'half',
    body: Readable.toWeb(body.on('data', (chunk) => {
      sent += chunk.length
      if (sent > half) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          body.destroy()
        }
      }
    })),
  })
  await assert.rejects(sending)
  const up = command(SANDLOT, ['up', '--detach', '--yes', '--data-dir', DATA, '--port', `${PORT}`, '--traffic-port', `${PORT + 2}`, '--debug-port', `${PORT + 3}`])
  assert.equal(up.code, 0, up.err)
  assert.deepEqual(images().map((i) => i.name), [`air/gapped:${run}`])
  assert.equal(command('sh', ['-c', `ls ${DATA}/pool/staging | wc -l`]).out.trim(), '0')
  const { text } = await build(Template().fromImage(`air/gapped:${run}`).runCmd('echo after'), `img2-${run}`)
  assert.match(text, /CACHED \[base\] FROM air\/gapped/)
})

test('builds run on a node that is full of sandboxes, and sandboxes do not take their room', PATIENCE, async () => {
  const both = [await sandbox('base'), await sandbox('base')]
  await assert.rejects(sandbox('base'), /sandboxes|capacity|place/i)
  await build(Template().fromTemplate('base').runCmd(`echo ${run} > /tmp/full`), `full-${run}`)
  const slow = build(Template().fromTemplate('base').runCmd(`sleep 4; echo ${run}`), `slow-${run}`)
  await both[0].kill()
  const s = await sandbox(`full-${run}`)
  assert.equal((await s.commands.run('cat /tmp/full')).stdout.trim(), run)
  await assert.rejects(sandbox('base'), /sandboxes|capacity|place/i)
  await slow
  await s.kill()
  await both[1].kill()
})

test('what is taken out of a template is what its sandboxes see', PATIENCE, async () => {
  const name = `out-${run}`
  const { info } = await build(
    Template()
      .fromTemplate('base')
      .setUser('root')
      .runCmd('mkdir -p /x/d /x/o && echo one > /x/a && echo gone > /x/gone && echo deep > /x/d/deep && echo old > /x/o/old && ln /x/a /x/twin && ln -s a /x/link')
      .runCmd('rm /x/gone && rm -r /x/o && mkdir /x/o && echo new > /x/o/new && setfattr -n user.note -v hello /x/a 2>/dev/null || python3 -c "import os; os.setxattr(\'/x/a\', \'user.note\', b\'hello\')"')
      .runCmd('rm -r /x/d && echo file > /x/d && chmod 4750 /x/twin && chown user:user /x/d && rm -f /etc/motd'),
    name,
  )
  const out = path.join(scratch, name)
  done('template', 'export', info.templateId, out)
  const s = await sandbox(name)
  const walk = `import os, stat, json, hashlib
found = {}
for where, dirs, files in os.walk('/'):
    dirs[:] = [d for d in dirs if where != '/' or d not in ('proc', 'sys', 'dev', 'run', 'tmp')]
    for name in dirs + files:
        p = os.path.join(where, name)
        st = os.lstat(p)
        kind = stat.S_IFMT(st.st_mode)
        what = os.readlink(p) if stat.S_ISLNK(kind) else hashlib.sha256(open(p, 'rb').read()).hexdigest() if stat.S_ISREG(kind) else ''
        mode = 0 if stat.S_ISLNK(kind) else stat.S_IMODE(st.st_mode)
        attributes = {} if stat.S_ISLNK(kind) else {k: os.getxattr(p, k).hex() for k in os.listxattr(p) if not k.startswith('security.selinux')}
        found[p[1:]] = [kind, mode, st.st_uid, st.st_gid, what, attributes]
json.dump(found, open('/tmp/walk.json', 'w'))
`
  await s.files.write('/tmp/walk.py', walk)
  await s.commands.run('python3 /tmp/walk.py', { user: 'root', timeoutMs: 120_000 })
  const seen = JSON.parse(await s.files.read('/tmp/walk.json', { user: 'root' }))
  const compare = `import tarfile, json, hashlib, sys, stat
kinds = {tarfile.REGTYPE: stat.S_IFREG, tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.LNKTYPE: stat.S_IFREG, tarfile.FIFOTYPE: stat.S_IFIFO}
found = {}
with tarfile.open(sys.argv[1]) as tar:
    for e in tar:
        path = e.name.strip('/').removeprefix('./')
        if path in ('', '.') or path.split('/')[0] in ('proc', 'sys', 'dev', 'run', 'tmp'): continue
        if e.islnk():
            found[path] = found[e.linkname.removeprefix('./')]
            continue
        what = e.linkname if e.issym() else hashlib.sha256(tar.extractfile(e).read()).hexdigest() if e.isreg() else ''
        attributes = {k[len('SCHILY.xattr.'):]: v.encode('utf-8', 'surrogateescape').hex() for k, v in e.pax_headers.items() if k.startswith('SCHILY.xattr.')}
        found[path] = [kinds[e.type], 0 if e.issym() else e.mode, e.uid, e.gid, what, attributes]
json.dump(found, sys.stdout)
`
  const archive = command('python3', ['-c', compare, path.join(out, 'rootfs.tar')])
  assert.equal(archive.code, 0, archive.err)
  const exported = JSON.parse(archive.out)
  // What each sandbox gets of its own.
  const own = new Set(['etc/hostname', 'etc/hosts', 'etc/resolv.conf', 'proc', 'sys', 'dev', 'run', 'tmp'])
  const differences = []
  for (const p of new Set([...Object.keys(seen), ...Object.keys(exported)])) {
    const [a, b] = [seen[p], exported[p]].map((v) => JSON.stringify(v))
    if (!own.has(p) && a !== b && !/^(etc\/\.|\.sandlot)/.test(p)) differences.push(`${p}: sandbox ${a}, archive ${b}`)
  }
  assert.deepEqual(differences, [])
  assert.deepEqual(Object.keys(exported).filter((p) => p.startsWith('x/')).sort(), ['x/a', 'x/d', 'x/link', 'x/o', 'x/o/new', 'x/twin'])
  await s.kill()
  const inspected = command('skopeo', ['inspect', `oci-archive:${path.join(out, 'image.tar')}`])
  assert.equal(inspected.code, 0, inspected.err)
  done('image', 'import', path.join(out, 'image.tar'), '--name', `back:${run}`)
  await build(Template().fromImage(`back:${run}`).runCmd('test -f /x/d && test ! -e /x/gone && test "$(getfattr --only-values -n user.note /x/a 2>/dev/null || python3 -c "import os; print(os.getxattr(\'/x/a\', \'user.note\').decode(), end=\'\')")" = hello'), `back-${run}`)
  done('image', 'delete', `back:${run}`)
  rmSync(out, { recursive: true })
})

test('a cache that is pruned while builds and sandboxes use its layers takes nothing away from them', PATIENCE, async () => {
  const name = `lru-${run}`
  await build(Template().fromTemplate('base').runCmd(`head -c 20000000 /dev/urandom > /home/user/big # ${run}`), name)
  const s = await sandbox(name)
  const sum = (await s.commands.run('sha256sum /home/user/big')).stdout
  let over = false
  const pruning = (async () => {
    let pruned = 0
    while (!over) {
      pruned += JSON.parse(done('cache', 'prune', '--keep', '10', '--json').out).entries
      await new Promise((r) => setTimeout(r, 200))
    }
    return pruned
  })()
  for (let i = 0; i < 3; i++) {
    await build(
      Template().fromTemplate('base').runCmd(`head -c 15000000 /dev/urandom > /home/user/one # ${run} ${i}`).runCmd('sleep 1; sha256sum /home/user/one').runCmd('ls -l /home/user/one'),
      `lru${i}-${run}`,
    )
  }
  over = true
  assert.ok((await pruning) > 0, 'entries went meanwhile')
  assert.equal((await s.commands.run('sha256sum /home/user/big')).stdout, sum)
  for (let i = 0; i < 3; i++) {
    const each = await sandbox(`lru${i}-${run}`)
    assert.equal((await each.commands.run('stat -c %s /home/user/one')).stdout.trim(), '15000000')
    await each.kill()
  }
  await s.kill()
})

test('a deleted image gives its room back', PATIENCE, async () => {
  done('image', 'delete', `air/gapped:${run}`)
  assert.deepEqual(images(), [])
  assert.deepEqual(contents().filter((digest) => !pushed.includes(digest)), [])
})
