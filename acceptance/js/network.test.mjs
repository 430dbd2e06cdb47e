import { before, test } from 'node:test'
import assert from 'node:assert/strict'
import { eventually, getThroughHost, sandbox } from './support.mjs'

let s
before(async () => {
  s = await sandbox()
})

// envd.md 10, I21: what a server may be bound to, and the rest by which others find it.
const server = `
import http.server, socket, sys
bind, port = sys.argv[1], int(sys.argv[2])
family, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0][::4]
class Server(http.server.ThreadingHTTPServer):
    address_family = family
    def server_bind(self):
        if family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(len(sys.argv) > 3))
        super(http.server.HTTPServer, self).server_bind()
        self.server_name, self.server_port = bind, port
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ('from ' + bind).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
Server(address, Answer).serve_forever()
`
const binds = ['0.0.0.0', '::', '127.0.0.1', 'localhost', '::1', ':: alone', 'own']
for (const [i, name] of binds.entries()) {
  test(`I21 a server bound to ${name} is reached by its host`, async () => {
    const port = 8123 + i
    await s.files.write('/tmp/server.py', server)
    const bind = name === 'own' ? (await s.commands.run('hostname -I')).stdout.trim().split(' ')[0] : name.split(' ')[0]
    const only = name === ':: alone' ? '6' : ''
    await s.commands.run(`exec python3 /tmp/server.py '${bind}' ${port} ${only}`, { background: true, timeoutMs: 0 })
    const host = s.getHost(port)
    assert.ok(host.startsWith(`${port}-${s.sandboxId}.`))
    await eventually('server answers', async () => (await getThroughHost(host)).status === 200)
    assert.equal((await getThroughHost(host)).body, `from ${bind}`)
  })
}

test('a closed port and an unknown sandbox are 502 with a reason', async () => {
  const closed = await getThroughHost(s.getHost(9))
  assert.equal(closed.status, 502)
  assert.deepEqual(JSON.parse(closed.body), {
    sandboxId: s.sandboxId,
    message: 'The sandbox is running but port is not open',
    port: 9,
    code: 502,
  })
  const unknown = await getThroughHost('3000-i00000000000000000000.localhost')
  assert.equal(unknown.status, 502)
  assert.equal(JSON.parse(unknown.body).message, 'The sandbox was not found')
})

test('I22 a closed port is a page for who looks at it with a browser', async () => {
  const page = await getThroughHost(s.getHost(9), '/', { 'sec-fetch-mode': 'navigate' })
  assert.equal(page.status, 502)
  assert.match(page.type, /^text\/html; charset=utf-8$/)
  assert.match(page.body, /The sandbox is running but port is not open/)
  const agent = await getThroughHost(s.getHost(9), '/', { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' })
  assert.match(agent.type, /^text\/html/)
  const script = await getThroughHost(s.getHost(9), '/', {
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
    'sec-fetch-mode': 'cors',
  })
  assert.equal(script.type, 'application/json; charset=utf-8')
  assert.equal(JSON.parse(script.body).port, 9)
})

test('control paths of envd are hidden', async () => {
  for (const path of ['/init', '//init', '/./freeze']) {
    const answer = await getThroughHost(s.getHost(49983), path)
    assert.equal(answer.status, 404, path)
    assert.match(answer.body, /reserved for the E2B control plane/)
  }
})
