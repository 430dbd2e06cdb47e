import test from 'node:test'
import assert from 'node:assert/strict'
import { randomFillSync, createHash } from 'node:crypto'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Template, waitForFile, waitForProcess, waitForTimeout, waitForURL } from 'e2b'
import { getThroughHost, sandbox } from './support.mjs'
import { PATIENCE, build, context, failure, fresh } from './templating.mjs'

async function shell(name) {
  const s = await sandbox(name)
  return async (command) => (await s.commands.run(command)).stdout.trim()
}

const ODD = ['with space.txt', `quo'te".txt`, 'ünï→.txt', '-dash', '$(touch x)', 'back\\slash', 'new`tick`']

function project() {
  const dir = context({
    src: { 'a.txt': 'a', 'c.md': 'c', '.hidden': 'h', deep: { 'b.txt': 'b', 'x.log': 'log' }, secret: { key: 'k' } },
    odd: Object.fromEntries(ODD.map((name) => [name, name])),
    'run.sh': '#!/bin/sh\necho run\n',
    '.dockerignore': '# what stays here\n**/*.log\nsrc/secret/**\n',
    'not-this.txt': 'no',
    kept: { 'real.txt': 'real' },
  })
  chmodSync(path.join(dir, 'run.sh'), 0o755)
  mkdirSync(path.join(dir, 'void/in'), { recursive: true })
  symlinkSync('a.txt', path.join(dir, 'src/link'))
  symlinkSync('deep', path.join(dir, 'src/dirlink'))
  symlinkSync('real.txt', path.join(dir, 'kept/link'))
  return dir
}

/** 100 MB that no archive makes smaller. */
function big(dir) {
  const part = randomFillSync(Buffer.alloc(1 << 20))
  const all = Buffer.concat(Array.from({ length: 100 }, () => part))
  writeFileSync(path.join(dir, 'big.bin'), all)
  return createHash('sha256').update(all).digest('hex')
}

// template-build.md 19. Its 20 s of waiting pass while other tests run.
const ofDockerfile = builtOfDockerfile()
ofDockerfile.catch(() => {})

async function builtOfDockerfile() {
  const dir = context({ 'a.txt': 'a', 'b.txt': 'b', sub: { 'c.txt': 'c' } })
  const name = fresh('dockerfile-all')
  const dockerfile = [
    'FROM e2bdev/base',
    'ARG WITH=default',
    'ARG WITHOUT',
    'ENV ONE=1 TWO=two',
    'ENV OLD style',
    'LABEL a=b',
    'EXPOSE 80',
    'VOLUME /data',
    'RUN --network=none useradd -m third && echo "$WITH|$WITHOUT|$ONE|$TWO|$OLD|$(id -un)|$PWD" > /env',
    'WORKDIR /srv',
    'COPY --chown=third:root a.txt b.txt sub /srv/app/',
    'ADD a.txt renamed.txt',
    'WORKDIR app',
    'USER third',
    'RUN id -un > /tmp/user; pwd > /tmp/pwd',
    'ENTRYPOINT ["sh", "-c", "false"]',
    'CMD echo "$ONE $(id -un) $PWD" > /tmp/started; sleep 1; exec python3 -m http.server 8123 -d /srv/app',
  ].join('\n')
  await build(Template({ fileContextPath: dir }).fromDockerfile(dockerfile), name)
  const begin = performance.now()
  const s = await sandbox(name, { requestTimeoutMs: 120_000 })
  return { s, ms: performance.now() - begin, page: await getThroughHost(s.getHost(8123), '/a.txt') }
}


// template-build.md 5.5, 6, 18.1
test('copy brings what was meant and nothing else', PATIENCE, async () => {
  const dir = project()
  const sum = big(dir)
  const name = fresh('copies')
  const template = Template({ fileContextPath: dir, fileIgnorePatterns: ['not-this.txt'] })
    .fromTemplate('base')
    .setUser('other')
    .setUser('user')
    .setWorkdir('/home/user/w')
    .copy('src', 'all')
    .copy('src/*.txt', 'flat/')
    .copy('src/**/*.txt', 'deepest/')
    .copy(['run.sh', 'src/c.md'], '/opt/several/', { user: 'root' })
    .copy('src', '/opt/owned', { user: 'other:root', mode: 0o750 })
    .copy('kept', 'links')
    .copy('src/link', 'one-link')
    .copy('src/link', 'resolved', { resolveSymlinks: true })
    .copy('void', 'void')
    .copy('odd', `odd ones/'here'`)
    .copyItems([
      { src: 'odd/with space.txt', dest: 'named "it".txt', mode: 0o600 },
      { src: ['*.txt'], dest: 'tops/' },
    ])
    .copy('big.bin', '/opt/big.bin', { user: 'root', gzip: false })
  await assert.rejects(build(template, name), /No files found/, 'only what is ignored matches')
  writeFileSync(path.join(dir, 'this.txt'), 'yes')
  const { text } = await build(template, name)
  assert.match(text, /Uploaded 'big.bin'/)
  const run = await shell(name)
  assert.equal(await run('cd all; find . | LC_ALL=C sort | tr "\\n" " "'), '. ./.hidden ./a.txt ./c.md ./deep ./deep/b.txt ./dirlink ./link')
  assert.equal(await run('readlink all/link all/dirlink links/link one-link | tr "\\n" " "'), 'a.txt deep real.txt a.txt')
  assert.equal(await run('find flat deepest tops -type f | LC_ALL=C sort | tr "\\n" " "'), 'deepest/a.txt deepest/deep/b.txt deepest/dirlink/b.txt flat/a.txt tops/this.txt')
  assert.equal(await run('stat -c "%U:%G %a %n" /opt/several/*'), 'root:root 644 /opt/several/c.md\nroot:root 755 /opt/several/run.sh')
  assert.equal(await run('sudo stat -c "%U:%G %a %F" /opt/owned/deep /opt/owned/deep/b.txt /opt/owned/link'), 'other:root 750 directory\nother:root 750 regular file\nother:root 777 symbolic link')
  assert.equal(await run('stat -c "%F %U" resolved; cat resolved'), 'regular file user\na')
  assert.equal(await run('find void -type d | LC_ALL=C sort | tr "\\n" " "'), 'void void/in')
  assert.equal(await run(`cd "odd ones/'here'"; for f in *; do [ "$(cat ./"$f")" = "$f" ] && echo ok; done | wc -l; ls -A | wc -l`), `${ODD.length}\n${ODD.length}`)
  assert.equal(await run(`stat -c "%a %s" 'named "it".txt'; sha256sum /opt/big.bin | cut -d' ' -f1`), `600 14\n${sum}`)
})

test('files are uploaded again when they have changed or it is forced', PATIENCE, async () => {
  const dir = context({ 'f.txt': `one ${Date.now()}` })
  const name = fresh('uploads')
  const template = () => Template({ fileContextPath: dir }).fromTemplate('base')
  assert.match((await build(template().copy('f.txt', 'f'), name)).text, /Uploaded 'f.txt'/)
  const again = (await build(template().copy('f.txt', 'f'), name)).text
  assert.match(again, /Skipping upload of 'f.txt'/)
  assert.match(again, /CACHED \[builder 1\/1\]/)
  const forced = (await build(template().copy('f.txt', 'f', { forceUpload: true }), name)).text
  assert.match(forced, /Uploaded 'f.txt'/)
  assert.doesNotMatch(forced, /CACHED \[builder 1\/1\]/)
  writeFileSync(path.join(dir, 'f.txt'), `two ${name}`)
  assert.match((await build(template().copy('f.txt', 'f'), name)).text, /Uploaded 'f.txt'/)
  assert.equal(await (await shell(name))('cat f'), `two ${name}`)
})

// template-build.md 18.1: what becomes RUN
test('directories, links, moves, removals and clones take every option', PATIENCE, async () => {
  const name = fresh('shell')
  const template = Template()
    .fromTemplate('base')
    .setUser('other')
    .setUser('user')
    .setWorkdir('/srv')
    .setWorkdir('../work here')
    .makeDir(['one', `it's "two"/three`], { mode: 0o711 })
    .makeDir('/opt/of-other', { user: 'root', mode: 0o2775 })
    .runCmd(['echo a > a', 'echo b > b', 'chmod 0444 b', 'echo $PWD > place'])
    .rename('a', 'b', { force: true })
    .rename('place', '/srv/place', { user: 'root' })
    .makeSymlink('b', 'link')
    .makeSymlink('one', 'link', { force: true })
    .makeSymlink('/srv/place', '/srv/link', { user: 'root' })
    .runCmd(['mkdir -p tree/below', 'touch tree/below/f plain'])
    .remove(['tree', 'never there'], { recursive: true, force: true })
    .remove('plain')
    .runCmd('touch /srv/of-root', { user: 'root' })
    .remove('/srv/of-root', { user: 'root' })
    .runCmd(
      [
        'git init -q -b main repo && cd repo && git config user.name a && git config user.email a@b',
        'for i in 1 2 3; do echo $i > f; git add f; git commit -qm $i; done',
        'git switch -qc other/branch; echo four > f; git commit -qam four; git switch -q main',
      ],
    )
    .gitClone('file:///work here/repo', 'clone one')
    .gitClone('file:///work here/repo', 'two', { branch: 'other/branch', depth: 1 })
    .runCmd('git config --global --add safe.directory "*"', { user: 'root' })
    .gitClone('file:///work here/repo', '/opt/three', { user: 'root' })
    .runCmd('id -un > /tmp/who; echo $HOME >> /tmp/who', { user: 'other' })
  await build(template, name)
  const run = await shell(name)
  assert.equal(await run('pwd; cat /srv/place'), '/work here\n/work here')
  assert.equal(await run(`stat -c "%a %U" one "it's \\"two\\"/three" /opt/of-other`), '711 user\n711 user\n2775 root')
  assert.equal(await run('cat b; readlink link; readlink /srv/link; stat -c %U /srv/link'), 'a\none\n/srv/place\nroot')
  assert.equal(await run('ls -d one tree plain /srv/of-root 2>/dev/null || true'), 'one')
  assert.equal(await run('git -C "clone one" rev-list --count HEAD; git -C two rev-list --count HEAD; cat two/f; git -C two branch --show-current'), '3\n1\nfour\nother/branch')
  assert.equal(await run('stat -c %U /opt/three/f; cat /tmp/who'), 'root\nother\n/home/other')
})

// template-build.md 7
test('steps before skipCache come from the cache, those after it run', PATIENCE, async () => {
  const name = fresh('skips')
  const template = (skip) => {
    const start = Template().fromTemplate('base').runCmd(`date +%s%N > first # ${name}`)
    return (skip ? start.skipCache() : start).runCmd('date +%s%N > second').runCmd('date +%s%N > third')
  }
  const stamps = async () => (await (await shell(name))('cat first second third')).split('\n')
  await build(template(false), name)
  const one = await stamps()
  const { text } = await build(template(true), name)
  assert.match(text, /CACHED \[builder 1\/3\]/)
  assert.doesNotMatch(text, /CACHED \[builder [23]\/3\]/)
  const two = await stamps()
  assert.equal(two[0], one[0])
  assert.notEqual(two[1], one[1])
  assert.notEqual(two[2], one[2])
  const later = await build(template(false), name)
  assert.equal(later.text.match(/CACHED \[builder/g).length, 3)
  assert.deepEqual(await stamps(), two, 'what was forced takes the place of what was there')
  const whole = await build(Template().skipCache().fromTemplate('base').runCmd(`date +%s%N > first # ${name}`), name)
  assert.doesNotMatch(whole.text, /CACHED \[builder/)
})

// template-build.md 9, 10, 22 row 5
test('a chain of templates gathers variables, users and directories', PATIENCE, async () => {
  const [one, two, three] = [fresh('chain-1'), fresh('chain-2'), fresh('chain-3')]
  await build(Template().fromTemplate('base').setEnvs({ A: 'a', PATH: '/opt/one:$PATH' }).setWorkdir('/srv/one').runCmd('echo 1 > /tmp/f'), one)
  await build(Template().fromTemplate(one).setEnvs({ B: '$A-b', PATH: '/opt/two:$PATH' }).setUser('second').setWorkdir('two').runCmd('echo 2 > /tmp/g'), two)
  const start = 'echo "$A $B $C $(id -un) $PWD" > /tmp/started; sleep 1000'
  await build(
    Template()
      .fromTemplate(two)
      .setEnvs({ C: '${A}${B}', A: 'new' })
      .runCmd('echo "$A $B $C $(id -un) $PWD $PATH" > /tmp/built')
      .setStartCmd(start, waitForFile('/tmp/started')),
    three,
  )
  const run = await shell(three)
  assert.match(await run('cat /tmp/built'), /^new a-b aa-b second \/srv\/one\/two \/opt\/two:\/opt\/one:\/usr\/local/)
  assert.equal(await run('cat /tmp/started; id -un; pwd; echo "[$A]"'), 'new a-b aa-b second /srv/one/two\nsecond\n/srv/one/two\n[]')
  const middle = await shell(two)
  assert.equal(await middle('cat /tmp/f /tmp/g; ls /tmp/started 2>/dev/null | wc -l'), '1\n2\n0')
})

// template-build.md 10, every helper but those of templates.test.mjs
test('a template waits for an answer, for a process and for a time', PATIENCE, async () => {
  const base = () => Template().fromTemplate('base').setWorkdir('/home/user/www')
  const server = 'sleep 1; exec python3 -m http.server 8123'
  const named = 'cp /bin/sleep /tmp/my-daemon; sleep 1; exec /tmp/my-daemon 1000'
  const names = [fresh('url'), fresh('process'), fresh('time'), fresh('only-ready')]
  const began = Date.now()
  await Promise.all([
    build(base().setStartCmd(server, waitForURL("http://localhost:8123/none?a='b'", 404)), names[0]),
    build(base().setStartCmd(named, waitForProcess('my-daemon')), names[1]),
    build(base().setStartCmd('sleep 1; touch /tmp/over; exec sleep 1000', waitForTimeout(3_000)), names[2]),
    build(base().setReadyCmd('test -d /home/user/www'), names[3]),
  ])
  assert.ok(Date.now() - began >= 3_000)
  const [url, process, time, only] = await Promise.all(names.map(shell))
  assert.equal(await url('curl -s -o /dev/null -w "%{http_code}" localhost:8123/'), '200')
  assert.equal(await process('pgrep -c my-daemon'), '1')
  assert.equal(await time('ls /tmp/over'), '/tmp/over')
  assert.equal(await only('pwd'), '/home/user/www')
})

test('what no server is needed for: documents, and what the builder itself refuses', async () => {
  const template = Template().fromImage('debian:stable').setEnvs({ A: '1' }).runCmd('true').setStartCmd('run', waitForTimeout(1))
  const plan = JSON.parse(await Template.toJSON(template, false))
  assert.deepEqual([plan.fromImage, plan.startCmd, plan.readyCmd, plan.steps.length], ['debian:stable', 'run', 'sleep 1', 2])
  assert.equal(Template.toDockerfile(template), 'FROM debian:stable\nENV A=1\nRUN true\nENTRYPOINT run\n')
  assert.throws(() => Template.toDockerfile(Template().fromTemplate('base').runCmd('true')), /another template/)
  assert.throws(() => Template().fromTemplate('base').addMcpServer('exa'), /mcp-gateway/)
  assert.throws(() => Template().fromTemplate('base').betaDevContainerPrebuild('/w'), /devcontainer/)
  assert.throws(() => Template().fromTemplate('base').betaSetDevContainerStart('/w'), /devcontainer/)
  assert.throws(() => Template().fromTemplate('base').copy('/etc/passwd', 'x'), /absolute/)
  assert.throws(() => Template().fromTemplate('base').copy('../x', 'x'), /escapes/)
})

// template-build.md 18.1: valid only on parents that an operator has to build
test('helpers of special parents build against those parents alone', PATIENCE, async () => {
  const mcp = await failure(Template().fromTemplate('mcp-gateway').addMcpServer('exa'))
  assert.match(mcp.error.message, /mcp-gateway.* not found/)
  const container = await failure(Template().fromTemplate('devcontainer').betaSetDevContainerStart('/w'))
  assert.match(container.error.message, /devcontainer.* not found/)
})

test('a Dockerfile with everything that is taken from one', PATIENCE, async () => {
  const { s, ms, page } = await ofDockerfile
  assert.deepEqual([page.status, page.body], [200, 'a'], 'what CMD serves is there when the sandbox is')
  assert.ok(ms < 15_000, `the 20 s that the build lets pass are not let pass again: ${ms} ms`)
  const run = async (command) => (await s.commands.run(command)).stdout.trim()
  assert.equal(await run('cat /env /tmp/user /tmp/pwd'), 'default||1|two|style|root|/\nthird\n/srv/app')
  assert.equal(
    await run('cd /srv/app; stat -c "%U:%G %n" *; stat -c "%U %n" /srv/renamed.txt; id -un; pwd'),
    'third:root a.txt\nthird:root b.txt\nthird:root c.txt\nroot /srv/renamed.txt\nthird\n/srv/app',
  )
  assert.equal(await run('cat /tmp/started'), '1 third /srv/app')
})
