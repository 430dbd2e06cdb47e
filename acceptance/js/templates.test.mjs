import test from 'node:test'
import assert from 'node:assert/strict'
import { mkdtempSync, mkdirSync, writeFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Sandbox, Template, waitForPort, waitForFile } from 'e2b'
import { eventually, sandbox } from './support.mjs'
import { PATIENCE, build, fresh } from './templating.mjs'

/** A directory as a developer has it. */
function context() {
  const dir = mkdtempSync(path.join(tmpdir(), 'sandlot-context-'))
  mkdirSync(path.join(dir, 'src/deep'), { recursive: true })
  writeFileSync(path.join(dir, 'src/a.txt'), 'a')
  writeFileSync(path.join(dir, 'src/deep/b.txt'), 'b')
  writeFileSync(path.join(dir, 'run.sh'), '#!/bin/sh\necho run\n', { mode: 0o755 })
  writeFileSync(path.join(dir, '.env'), 'secret')
  symlinkSync('a.txt', path.join(dir, 'src/link'))
  return dir
}

// template-build.md 18.1
test('every method of the builder does what it says', PATIENCE, async () => {
  const name = fresh('methods')
  const template = Template({ fileContextPath: context(), fileIgnorePatterns: ['.env'] })
    .fromBaseImage()
    .setEnvs({ GREETING: 'hello "you" \\ $(no)', PLACE: 'there' })
    .setWorkdir('/home/user/work')
    .runCmd(['echo "$GREETING" > greeting', 'pwd > place'])
    .copy('src', 'copied')
    .copy('run.sh', '/opt/run-it', { user: 'root', mode: 0o700 })
    .copyItems([{ src: 'src/*.txt', dest: 'flat/' }])
    .makeDir('made/below', { mode: 0o750 })
    .makeSymlink('/home/user/work/greeting', '/home/user/work/to-greeting')
    .rename('place', 'where')
    .runCmd('touch gone')
    .remove('gone')
    .runCmd('git init -q --bare /tmp/bare.git && git clone -q file:///tmp/bare.git w && cd w && echo x > f && git add f && git -c user.name=a -c user.email=a@b commit -qm x && git push -q origin HEAD')
    .gitClone('file:///tmp/bare.git', '/home/user/work/cloned')
    .runCmd('id -un > as-root', { user: 'root' })
    .setUser('other')
    .runCmd('id -un > /tmp/other')
    .setUser('user')
  const { text } = await build(template, name)
  assert.match(text, /\[builder 1\/\d+\] ENV/)
  const s = await sandbox(name)
  const run = async (command) => (await s.commands.run(command)).stdout.trim()
  assert.equal(await run('pwd'), '/home/user/work')
  assert.equal(await run('cat greeting'), 'hello "you" \\ $(no)')
  assert.equal(await run('cat where to-greeting | head -1'), '/home/user/work')
  assert.equal(await run('cat copied/a.txt copied/deep/b.txt; readlink copied/link'), 'aba.txt')
  assert.equal(await run('stat -c "%U %a" /opt/run-it; ls flat'), 'root 700\na.txt')
  assert.equal(await run('stat -c %a made/below; ls gone 2>&1 | wc -l; cat cloned/f as-root /tmp/other'), '750\n1\nx\nroot\nother')
  assert.equal(await run('echo "[$PLACE]"'), '[]', 'variables are for the build alone')
  assert.equal(await run('find / -name .env -not -path "/proc/*" 2>/dev/null | wc -l'), '0')
})

// template-build.md 22, rows 1, 4 and 12; design: a cached rebuild is fast
test('logs come in order, a second build is cached, tags name builds', PATIENCE, async () => {
  const name = fresh('tags')
  const template = Template().fromTemplate('base').runCmd(`for i in 1 2 3 4 5; do echo line $i; done # ${name}`).runCmd('echo second')
  const first = await build(template, name, { tags: ['v1'] })
  const output = first.lines.map((l) => l.message).filter((m) => /stdout\]: (line|second)/.test(m)).map((m) => m.split(': ')[1])
  assert.deepEqual(output, ['line 1', 'line 2', 'line 3', 'line 4', 'line 5', 'second'])
  const again = await build(template, name, { tags: ['v1', 'stable'] })
  assert.equal(again.info.templateId, first.info.templateId)
  assert.match(again.text, /CACHED \[builder 1\/2\]/)
  assert.match(again.text, /CACHED \[builder 2\/2\]/)
  assert.doesNotMatch(again.text, /line 1/)
  const forced = await build(template, name, { tags: ['v2'], skipCache: true })
  assert.doesNotMatch(forced.text, /CACHED \[builder/)
  const tags = await Template.getTags(name)
  assert.deepEqual(tags.map((t) => t.tag).sort(), ['stable', 'v1', 'v2'])
  assert.equal(tags.find((t) => t.tag === 'v1').buildId, again.info.buildId)
  await Template.assignTags(`${name}:v1`, ['good'])
  await sandbox(`${name}:good`)
  await Template.removeTags(name, ['good'])
  await assert.rejects(Sandbox.create(`${name}:good`), /does not exist/)
  await assert.rejects(Sandbox.create(name), /does not exist/)
})

// template-build.md 13: the failing step points to the call of the builder
test('a failure names the step, and the old build stays', PATIENCE, async () => {
  const name = fresh('fails')
  await build(Template().fromTemplate('base').runCmd('echo good > /home/user/state'), name)
  const bad = Template().fromTemplate('base').runCmd('true').runCmd('echo trouble >&2; exit 7').runCmd('true')
  const error = await build(bad, name).then(() => assert.fail('built'), (e) => e)
  assert.match(error.message, /exit 7/)
  assert.match(error.stack, /templates\.test\.mjs/)
  const s = await sandbox(name)
  assert.equal((await s.commands.run('cat /home/user/state')).stdout.trim(), 'good')
  const missing = await build(Template().fromTemplate('no-such-parent'), name).then(() => assert.fail('built'), (e) => e)
  assert.match(missing.message, /not found/)
})

test('a build goes on in the background, and its name exists', PATIENCE, async () => {
  const name = fresh('background')
  assert.equal(await Template.exists(name), false)
  const info = await Template.buildInBackground(Template().fromTemplate('base').runCmd(`sleep 1; echo done # ${name}`), name, { cpuCount: 1, memoryMB: 256 })
  const early = await Template.getBuildStatus(info)
  assert.ok(['waiting', 'building'].includes(early.status))
  let offset = 0
  const lines = []
  await eventually('the build is ready', async () => {
    const status = await Template.getBuildStatus(info, { logsOffset: offset })
    offset += status.logEntries.length
    lines.push(...status.logEntries)
    return status.status === 'ready'
  }, 120_000)
  assert.ok(lines.some((l) => l.message.includes('[stdout]: done')))
  assert.equal(await Template.exists(name), true)
})

// template-build.md 10
test('what a template starts is alive in every sandbox of it, and in those of its children', PATIENCE, async () => {
  const name = fresh('starts')
  const start = 'python3 -m http.server 8000'
  await build(Template().fromTemplate('base').setWorkdir('/home/user/www').runCmd('echo served > index.html').setStartCmd(start, waitForPort(8000)), name)
  const both = await Promise.all([sandbox(name), sandbox(name)])
  for (const s of both) {
    assert.equal((await s.commands.run('curl -s localhost:8000/index.html')).stdout.trim(), 'served')
  }
  const child = fresh('child')
  await build(Template().fromTemplate(name).runCmd('echo child > more.html'), child)
  const s = await sandbox(child)
  assert.equal((await s.commands.run('curl -s localhost:8000/more.html')).stdout.trim(), 'child')
  const other = fresh('other-start')
  await build(Template().fromTemplate(name).setStartCmd('touch /tmp/started; sleep 1000', waitForFile('/tmp/started')), other)
  const t = await sandbox(other)
  assert.equal((await t.commands.run('ls /tmp/started; curl -s localhost:8000 || echo none')).stdout.trim(), '/tmp/started\nnone')
})

// template-build.md 19
test('a Dockerfile is built as Docker would', PATIENCE, async () => {
  const name = fresh('dockerfile')
  const dockerfile = 'FROM e2bdev/base\nENV A=1 B=two\nWORKDIR /srv\nCOPY --chown=user:user src /srv/src\nRUN id -un > who && echo "$A $B" > env\n'
  await build(Template({ fileContextPath: context() }).fromDockerfile(dockerfile), name)
  const s = await sandbox(name)
  assert.equal((await s.commands.run('cat /srv/who /srv/env; id -un; pwd; stat -c %U /srv/src/a.txt')).stdout.trim(), 'root\n1 two\nuser\n/srv\nuser')
})
