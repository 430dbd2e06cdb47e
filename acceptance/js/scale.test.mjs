import { test } from 'node:test'
import assert from 'node:assert/strict'
import { Sandbox } from 'e2b'

const COUNT = 200
const AT_ONCE = 20

async function inBatches(items, act) {
  const results = []
  for (let i = 0; i < items.length; i += AT_ONCE) results.push(...(await Promise.all(items.slice(i, i + AT_ONCE).map(act))))
  return results
}

test('two hundred sandboxes live at once, all answer, all end', { timeout: 300_000 }, async () => {
  const made = await inBatches([...Array(COUNT).keys()], () => Sandbox.create({ timeoutMs: 600_000, metadata: { scale: 'yes' } }))
  try {
    const answers = await inBatches(made, (s) => s.commands.run('echo $E2B_SANDBOX_ID'))
    assert.deepEqual(answers.map((a) => a.stdout.trim()), made.map((s) => s.sandboxId))
  } finally {
    const killed = await inBatches(made, (s) => s.kill())
    assert.ok(killed.every((k) => k === true))
  }
  assert.deepEqual(await Sandbox.list({ query: { metadata: { scale: 'yes' } } }).nextItems(), [])
})
