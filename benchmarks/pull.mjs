// An image of a registry, for the figure of pulling: a registry on loopback with the files of the base template in one
// compressed layer, which is another one for each name, so that no server has it already.
import { execFileSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, gzipSync } from 'node:zlib'
import { file } from './tar.mjs'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

const sha = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

async function shaOf(first, rest) {
  const hash = createHash('sha256').update(first)
  for await (const chunk of createReadStream(rest)) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

/** The base template as a registry's image; `add` names a new one, `megabytes` is its size when unpacked. */
export async function registryOfBase() {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'sandlot-bench-'))
  const out = path.join(directory, 'base')
  execFileSync('./sandlot', ['template', 'export', 'base', out, '--data-dir', process.env.SANDLOT_BENCH_DATA], { stdio: 'ignore' })
  const root = path.join(out, 'rootfs.tar')
  const packed = path.join(directory, 'rootfs.tar.gz')
  await pipeline(createReadStream(root), createGzip({ level: 1 }), createWriteStream(packed))
  const served = new Map()
  const server = createServer((request, response) => {
    const found = served.get(decodeURIComponent(request.url).split('/').at(-1))
    response.writeHead(found ? 200 : 404, found && { 'Content-Type': found.type, 'Content-Length': found.length })
    if (!found || request.method === 'HEAD') return response.end()
    Readable.from(found.content()).pipe(response)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

  const keep = (name, type, bytes) => served.set(name, { type, length: bytes.length, content: () => [bytes] })

  async function add() {
    const mark = file(`bench-${randomUUID()}`, Buffer.from('bench'))
    const head = gzipSync(mark)
    const layer = await shaOf(head, packed)
    const length = head.length + statSync(packed).size
    served.set(layer, { type: LAYER, length, content: async function* () {
      yield head
      yield* createReadStream(packed)
    } })
    const architecture = { x64: 'amd64' }[process.arch] ?? process.arch
    const config = Buffer.from(JSON.stringify({ os: 'linux', architecture, config: {}, rootfs: { type: 'layers', diff_ids: [await shaOf(mark, root)] } }))
    keep(sha(config), CONFIG, config)
    const described = (mediaType, digest, size) => ({ mediaType, digest, size })
    const manifest = Buffer.from(JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: described(CONFIG, sha(config), config.length),
      layers: [described(LAYER, layer, length)],
    }))
    const tag = randomUUID()
    keep(tag, MANIFEST, manifest)
    return `127.0.0.1:${server.address().port}/bench/base:${tag}`
  }

  return {
    add,
    megabytes: statSync(root).size / 1e6,
    close() {
      server.close()
      server.closeAllConnections()
      rmSync(directory, { recursive: true })
    },
  }
}
