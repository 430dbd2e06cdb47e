// Plain HTTP to a sandbox's envd, with as little of a client as there can be: what is measured is the server.
import http from 'node:http'
import net from 'node:net'

const door = new URL(process.env.E2B_SANDBOX_URL ?? process.env.E2B_API_URL)
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 })
const EMPTY = Buffer.alloc(0)

/** The fields that lead a request to the sandbox and let it in. */
export function fieldsOf(sandbox) {
  return {
    'E2b-Sandbox-Id': sandbox.sandboxID,
    'E2b-Sandbox-Port': '49983',
    'X-Access-Token': sandbox.envdAccessToken,
    Authorization: `Basic ${Buffer.from('user:').toString('base64')}`,
  }
}

function envelope(message) {
  const body = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(5)
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

function messages(bytes) {
  const found = []
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at + 1)
    found.push({ last: bytes[at] === 2, message: JSON.parse(bytes.subarray(at + 5, at + 5 + size)) })
    at += 5 + size
  }
  return found
}

function post(sandbox, path, type, body) {
  return new Promise((resolve, reject) => {
    const headers = { ...fieldsOf(sandbox), 'Content-Type': type, 'Content-Length': body.length }
    const request = http.request({ host: door.hostname, port: door.port, method: 'POST', path, headers, agent }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** One unary call; its answer as an object. */
export async function call(sandbox, method, message) {
  const answer = await post(sandbox, `/${method}`, 'application/json', Buffer.from(JSON.stringify(message)))
  if (answer.status !== 200) throw new Error(`${method}: ${answer.status} ${answer.body}`)
  return JSON.parse(answer.body)
}

/** Runs a command to its end; fails unless it exits with 0. */
export async function runCommand(sandbox, cmd, ...args) {
  const answer = await post(sandbox, '/process.Process/Start', 'application/connect+json', envelope({ process: { cmd, args } }))
  const events = answer.status === 200 ? messages(answer.body) : []
  const end = events.at(-2)?.message.event?.end
  if (!end?.exited || (end.exitCode ?? 0) !== 0 || events.at(-1).message.error) {
    throw new Error(`${cmd}: ${answer.status} ${answer.body}`)
  }
}

/**
 * One request on a connection of its own, its body read into one buffer again and again and only counted.
 *
 * @param write given the socket and a callback for the end of the request's body
 * @returns the status and how many bytes the answer's body had
 */
function exchange(head, write) {
  return new Promise((resolve, reject) => {
    let begun = EMPTY
    let status
    let length
    let received = 0
    const buffer = Buffer.allocUnsafe(1 << 20)
    const take = (bytes) => {
      if (status === undefined) {
        begun = Buffer.concat([begun, bytes])
        const end = begun.indexOf('\r\n\r\n')
        if (end < 0) return
        const text = begun.toString('latin1', 0, end)
        status = Number(text.split(' ')[1])
        length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? Infinity)
        received = begun.length - end - 4
      } else {
        received += bytes.length
      }
      if (received >= length) finish()
    }
    const socket = net.connect({
      host: door.hostname,
      port: Number(door.port),
      noDelay: true,
      onread: {
        buffer,
        callback(count, into) {
          take(into.subarray(0, count))
          return true
        },
      },
    })
    const finish = () => {
      socket.destroy()
      resolve({ status, received })
    }
    socket.on('error', reject)
    socket.on('end', () => (length === Infinity ? finish() : reject(new Error(`cut after ${received} of ${length} bytes`))))
    socket.on('connect', () => {
      socket.write(head)
      write(socket)
    })
  })
}

function head(method, path, fields) {
  const lines = Object.entries({ Host: door.host, Connection: 'close', ...fields }).map(([k, v]) => `${k}: ${v}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

const filePath = (path) => `/files?username=user&path=${encodeURIComponent(path)}`

/** Stores a file of so many bytes, made of one block written again and again. */
export async function upload(sandbox, path, size, block) {
  const fields = { ...fieldsOf(sandbox), 'Content-Type': 'application/octet-stream', 'Content-Length': size }
  const answer = await exchange(head('POST', filePath(path), fields), (socket) => {
    let left = size
    const more = () => {
      while (left > 0) {
        const part = block.subarray(0, Math.min(block.length, left))
        left -= part.length
        if (!socket.write(part)) {
          socket.once('drain', more)
          return
        }
      }
    }
    more()
  })
  if (answer.status !== 200) throw new Error(`upload: ${answer.status}`)
}

/** Reads a file to its end and forgets it; how many bytes came. */
export async function download(sandbox, path) {
  const answer = await exchange(head('GET', filePath(path), fieldsOf(sandbox)), () => {})
  if (answer.status !== 200) throw new Error(`download: ${answer.status}`)
  return answer.received
}
