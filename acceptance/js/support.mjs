import { after } from 'node:test'
import http from 'node:http'
import { Sandbox } from 'e2b'

const made = []

/** A sandbox that is killed when the test file ends, if the test has not done so. */
export async function sandbox(...args) {
  const created = await Sandbox.create(...args)
  made.push(created)
  return created
}

after(async () => {
  await Promise.all(made.map((s) => s.kill().catch((e) => console.error(`kill ${s.sandboxId}: ${e}`))))
})

/** GET through the front door with the host name that users of the SDK are shown. */
export function getThroughHost(host, path = '/', headers = {}) {
  const door = new URL(process.env.E2B_API_URL)
  return new Promise((resolve, reject) => {
    const request = http.request(
      { hostname: door.hostname, port: door.port, path, headers: { ...headers, host }, agent: false },
      (response) => {
        const chunks = []
        response.on('data', (c) => chunks.push(c))
        response.on('end', () => resolve({
            status: response.statusCode,
            type: response.headers['content-type'],
            body: Buffer.concat(chunks).toString(),
          }))
        response.on('error', reject)
      },
    )
    request.on('error', reject)
    request.end()
  })
}

/** Calls the API as plain HTTP. */
export async function api(method, path, body, key = process.env.E2B_API_KEY) {
  const response = await fetch(process.env.E2B_API_URL + path, {
    method,
    headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

/** Waits until the condition holds; fails with its name after the limit. */
export async function eventually(name, condition, limitMs = 10_000) {
  const end = Date.now() + limitMs
  for (;;) {
    if (await condition()) return
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${name}`)
    await new Promise((r) => setTimeout(r, 50))
  }
}

/**
 * A streaming call of a sandbox's envd without the SDK, which sends no fields of the caller's.
 *
 * @returns the fields of the answer and its messages as they come; leaving the iteration ends the call
 */
export async function streamCall(s, method, message, fields = {}) {
  const body = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(5)
  head.writeUInt32BE(body.length, 1)
  const leave = new AbortController()
  const response = await fetch(`${process.env.E2B_SANDBOX_URL}/process.Process/${method}`, {
    method: 'POST',
    signal: leave.signal,
    headers: {
      'E2b-Sandbox-Id': s.sandboxId,
      'E2b-Sandbox-Port': '49983',
      'X-Access-Token': s.envdAccessToken,
      Authorization: `Basic ${Buffer.from('user:').toString('base64')}`,
      'Content-Type': 'application/connect+json',
      ...fields,
    },
    body: Buffer.concat([head, body]),
  })
  if (response.status !== 200) throw new Error(`${method}: ${response.status} ${await response.text()}`)
  const messages = (async function* () {
    let rest = Buffer.alloc(0)
    try {
      for await (const chunk of response.body) {
        rest = Buffer.concat([rest, chunk])
        while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
          const end = 5 + rest.readUInt32BE(1)
          yield JSON.parse(rest.subarray(5, end))
          rest = rest.subarray(end)
        }
      }
    } finally {
      leave.abort()
    }
  })()
  return { headers: response.headers, messages }
}
