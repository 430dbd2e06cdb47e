import test from 'node:test'
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { Template, waitForFile } from 'e2b'
import { api, eventually, sandbox } from './support.mjs'
import { PATIENCE, build, context, failure, fresh, lineOf } from './templating.mjs'

const HERE = fileURLToPath(import.meta.url)

/** Fails as the mark says: at the line that has it, with the message. */
async function blamed(template, mark, message) {
  const { error, text } = await failure(template)
  assert.match(error.message, message)
  const line = lineOf(HERE, `// ${mark}`)
  const frame = error.stack.split('\n').find((one) => one.includes('failures.test.mjs'))
  assert.match(frame ?? error.stack, new RegExp(`failures\\.test\\.mjs:${line}:`), mark)
  assert.ok(text.includes(error.message), `the log repeats: ${error.message}`)
}

// template-build.md 13: reason.step is the call of the builder
test('a failure points at the line that is to blame', PATIENCE, async () => {
  const dir = context({ 'a.txt': 'a' })
  const first = Template()
    .fromTemplate('base')
    .runCmd('exit 3') // first step
    .runCmd('true')
  const middle = Template({ fileContextPath: dir })
    .fromTemplate('base')
    .runCmd('true')
    .copy(['a.txt', 'a.txt'], '/tmp/')
    .setEnvs({})
    .runCmd(['true', 'echo trouble >&2', 'exit 4']) // middle step
    .runCmd('true')
  const last = Template()
    .fromTemplate('base')
    .runCmd('true')
    .setUser('user')
    .runCmd('no-such-program-at-all') // last step
  const copy = Template({ fileContextPath: dir })
    .fromTemplate('base')
    .runCmd('true')
    .copy('a.txt', '/etc/passwd/a.txt') // copy step
    .runCmd('true')
  const owner = Template({ fileContextPath: dir })
    .fromTemplate('base')
    .copy('a.txt', '/tmp/', { user: 'no-such-user' }) // owner step
    .runCmd('true')
  const start = Template()
    .fromTemplate('base')
    .runCmd('true')
    .setStartCmd('sleep 1; echo cannot >&2; exit 5', waitForFile('/tmp/never')) // start command
  const parent = Template()
    .fromTemplate('no-such-parent') // parent
    .runCmd('true')
  const image = Template()
    .fromImage('not an image') // image
    .runCmd('true')
  await Promise.all([
    blamed(first, 'first step', /exit 3'.*exit status 3/),
    blamed(middle, 'middle step', /exit 4'.*exit status 4/),
    blamed(last, 'last step', /no-such-program-at-all'.*exit status 127/),
    blamed(copy, 'copy step', /\/etc\/passwd/),
    blamed(owner, 'owner step', /no-such-user/),
    blamed(start, 'start command', /start command failed: exit status 5/),
    blamed(parent, 'parent', /'no-such-parent' not found/),
    blamed(image, 'image', /'not an image' is not an image reference/),
  ])
})

/** All of the log, page by page as the SDK reads it, until the build has ended. */
async function followed(info) {
  const lines = []
  let status
  await eventually('the build has ended', async () => {
    status = await Template.getBuildStatus(info, { logsOffset: lines.length })
    lines.push(...status.logEntries)
    return !['waiting', 'building'].includes(status.status) && status.logEntries.length === 0
  }, 120_000)
  return { status, lines }
}

// template-build.md 11
test('the log of a background build is whole and in order, however it is paged', PATIENCE, async () => {
  const name = fresh('log')
  const noise = (step) => `for i in $(seq 80); do echo "${step} out $i"; echo "${step} err $i" >&2; done; echo; echo '  \\e[1m"ünï" <&>'`
  const template = Template().fromTemplate('base').runCmd(`: ${name}; ${noise('one')}`).runCmd(noise('two'))
  const info = await Template.buildInBackground(template, name, { cpuCount: 1, memoryMB: 256 })
  const { status, lines } = await followed(info)
  assert.equal(status.status, 'ready')
  const numbers = Array.from({ length: 80 }, (_, i) => `${i + 1}`)
  for (const stream of ['out', 'err']) {
    const seen = lines.flatMap((l) => l.message.match(new RegExp(`\\[std${stream}\\]: (one|two) ${stream} (\\d+)$`)) ?? []).filter((x) => /^(one|two|\d+)$/.test(x))
    assert.deepEqual(seen, ['one', 'two'].flatMap((step) => numbers.flatMap((n) => [step, n])))
  }
  assert.equal(lines.filter((l) => l.message.endsWith('[stdout]:   \\e[1m"ünï" <&>')).length, 2)
  assert.ok(lines.every((l, i) => i === 0 || lines[i - 1].timestamp <= l.timestamp), 'times do not go back')
  const whole = []
  for (let page; (page = (await Template.getBuildStatus(info, { logsOffset: whole.length })).logEntries).length > 0; ) {
    assert.ok(page.length <= 100)
    whole.push(...page)
  }
  assert.deepEqual(whole, lines)
  const single = (await Template.getBuildStatus(info, { logsOffset: 7 })).logEntries[0]
  assert.deepEqual(single, lines[7])
})

// template-build.md 12: a build that starts ends the running one of the same template and tag
test('of two builds of a template at once the later one wins', PATIENCE, async () => {
  const name = fresh('twice')
  const slow = Template().fromTemplate('base').runCmd(`echo slow > /tmp/which; sleep 300 # ${name}`)
  const quick = Template().fromTemplate('base').runCmd(`echo quick > /tmp/which # ${name}`)
  const sizes = { cpuCount: 1, memoryMB: 256 }
  const first = await Template.buildInBackground(slow, name, sizes)
  await eventually('the slow build runs', async () => (await Template.getBuildStatus(first)).logEntries.some((l) => l.message.includes('[builder 1/1]')))
  const other = await Template.buildInBackground(Template().fromTemplate('base').runCmd(`sleep 2 # ${name}`), name, { ...sizes, tags: ['aside'] })
  const second = await Template.buildInBackground(quick, name, sizes)
  assert.equal(second.templateId, first.templateId)
  const [one, two, three] = await Promise.all([followed(first), followed(second), followed(other)])
  assert.equal(one.status.status, 'error')
  assert.match(one.status.reason.message, /cancel|supersede/i)
  assert.equal(two.status.status, 'ready')
  assert.equal(three.status.status, 'ready', 'a build of another tag goes on')
  const s = await sandbox(name)
  assert.equal((await s.commands.run('cat /tmp/which')).stdout, 'quick\n')
})

// template-build.md 14, 15; 22 rows 10 and 11
test('sizes are as asked for, or refused', PATIENCE, async () => {
  const name = fresh('sizes')
  assert.equal(await Template.exists(name), false)
  await build(Template().fromTemplate('base'), name, { cpuCount: 2, memoryMB: 514, tags: ['a', 'b'] })
  assert.equal(await Template.exists(`${name}:a`), true)
  assert.equal(await Template.exists(name), false, 'nothing has the default tag')
  assert.equal(await Template.exists(`${name}:c`), false)
  const s = await sandbox(`${name}:b`)
  const info = await s.getInfo()
  assert.deepEqual([info.cpuCount, info.memoryMB], [2, 514])
  const refused = async (sizes) => (await api('POST', '/v3/templates', { name, ...sizes })).status
  for (const cpuCount of [0, -2, 3, 34, 1000]) assert.equal(await refused({ cpuCount }), 400, `${cpuCount} CPUs`)
  for (const memoryMB of [0, 64, 127, 513, 10_000_000]) assert.equal(await refused({ memoryMB }), 400, `${memoryMB} MB`)
  await assert.rejects(build(Template().fromTemplate('base'), name, { cpuCount: 3 }), /400.*cpu/is)
  for (const wrong of ['Größe', 'a b', '../x', `${name}:`, 'x'.repeat(129)]) {
    assert.equal((await api('POST', '/v3/templates', { name: wrong })).status, 400, wrong)
  }
  assert.equal((await api('GET', `/templates/${name}/builds/not-a-uuid/status`)).status, 400)
})
