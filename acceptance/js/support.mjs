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
