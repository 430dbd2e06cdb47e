// Rows of docs/api-rows.md that need a real HTTP exchange.
import { test } from 'node:test'
import assert from 'node:assert/strict'
import http from 'node:http'
import { sandbox } from './support.mjs'

/** One exchange with exactly those fields and bytes. */
function exchange(method, path, headers = {}, body = undefined) {
  const { hostname, port } = new URL(process.env.E2B_API_URL)
  return new Promise((resolve, reject) => {
    const request = http.request(
      { hostname, port, method, path, headers: { 'X-API-Key': process.env.E2B_API_KEY, ...headers }, agent: false },
      (response) => {
        let text = ''
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }))
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

test('v2 connect takes no body and no type', async () => {
  const s = await sandbox()
  for (const body of [undefined, '', '{}']) {
    const answer = await exchange('POST', `/v2/sandboxes/${s.sandboxId}/connect`, {}, body)
    assert.equal(answer.status, 200, answer.text)
  }
})

test('a DELETE carries its JSON body', async () => {
  const body = JSON.stringify({ name: 'nobody-has-this', tags: ['a'] })
  for (const headers of [{ 'Content-Type': 'application/json', 'Content-Length': body.length }, { 'Transfer-Encoding': 'chunked' }]) {
    const answer = await exchange('DELETE', '/templates/tags', headers, body)
    assert.equal(answer.status, 404, answer.text)
    assert.match(JSON.parse(answer.text).message, /nobody-has-this/)
  }
  assert.equal((await exchange('DELETE', '/templates/tags')).status, 400)
})

test('escaped slashes and colons stay in their segment', async () => {
  const found = await exchange('GET', '/templates/aliases/base%3Adefault')
  assert.equal(found.status, 200, found.text)
  const unknown = await exchange('GET', '/templates/team%2Fname%3Atag')
  assert.equal(unknown.status, 404)
  assert.match(JSON.parse(unknown.text).message, /^template '.*' not found$/)
})

test('an empty answer has neither body nor type', async () => {
  const s = await sandbox()
  const answer = await exchange('POST', `/sandboxes/${s.sandboxId}/timeout`, { 'Content-Type': 'application/json' }, '{"timeout":60}')
  assert.deepEqual([answer.status, answer.text, answer.headers['content-type']], [204, '', undefined])
})
