// Figures of template builds, over plain HTTP: how the SDKs poll shall not be part of them.
import { createHash, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { row, single, timed } from './figures.mjs'

const COPIED_FILES = 10_000
const POLL_MS = 3

/** The benches, by name; `api` and `scale` are those of bench.mjs. */
export function buildBenches({ api, scale }) {
  async function call(method, path, body, wanted) {
    const answer = await api(method, path, body)
    if (answer.status !== wanted) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer.status === 202 && method === 'POST' && path.startsWith('/v2') ? undefined : answer.json()
  }

  const register = (name) => call('POST', '/v3/templates', { name }, 202)

  /** Builds and returns the milliseconds from the start call to the end. */
  async function build({ templateID, buildID }, steps, from = { fromImage: 'e2bdev/base' }) {
    const { ms } = await timed(async () => {
      await call('POST', `/v2/templates/${templateID}/builds/${buildID}`, { ...from, steps }, 202)
      for (;;) {
        const state = await call('GET', `/templates/${templateID}/builds/${buildID}/status`, undefined, 200)
        if (state.status === 'ready') return
        if (state.status === 'error') throw new Error(`build ${buildID}: ${state.reason?.message}`)
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
    })
    return ms
  }

  const run = (command) => ({ type: 'RUN', args: [command] })

  return {
    async cachedBuild() {
      const steps = [run('echo one > ~/one'), run('echo two > ~/two'), run('echo three > ~/three')]
      await build(await register('bench-cached'), steps)
      const samples = []
      for (let i = 0; i < scale(20); i++) samples.push(await build(await register('bench-cached'), steps))
      return [row('cached template rebuild, 3 steps', 'ms', samples)]
    },

    async runLayer() {
      await build(await register('bench-run'), [])
      const cached = []
      const layered = []
      for (let i = 0; i < scale(20); i++) {
        cached.push(await build(await register('bench-run'), []))
        layered.push(await build(await register('bench-run'), [run(`echo ${randomUUID()} > ~/file`)]))
      }
      const typical = row('', 'ms', cached).p50
      return [row('RUN layer, over its command and a cached build', 'ms', layered.map((ms) => ms - typical))]
    },

    async copyFiles() {
      const archive = gzipSync(tar(COPIED_FILES))
      const hash = createHash('sha256').update(archive).digest('hex')
      const target = await register('bench-copy')
      const link = await call('GET', `/templates/${target.templateID}/files/${hash}`, undefined, 201)
      const upload = await timed(() => fetch(link.url, { method: 'PUT', body: archive, headers: link.headers ?? {} }))
      if (!upload.value.ok) throw new Error(`upload: ${upload.value.status}`)
      const samples = []
      for (let i = 0; i < scale(5); i++) {
        const step = { type: 'COPY', args: ['src', `/copied-${randomUUID()}`, '', ''], filesHash: hash }
        samples.push(await build(i === 0 ? target : await register('bench-copy'), [step]))
      }
      return [row(`COPY of ${COPIED_FILES} files, whole build`, 'ms', samples), single('upload of their archive', 'ms', upload.ms, 1)]
    },

    /** SANDLOT_BENCH_IMAGE names an image of a registry, SANDLOT_BENCH_IMAGE_MB its size when unpacked. */
    async pull() {
      const image = process.env.SANDLOT_BENCH_IMAGE
      const megabytes = Number(process.env.SANDLOT_BENCH_IMAGE_MB)
      if (!image || !(megabytes > 0)) {
        return [{ name: 'pull and unpack', unit: 'MB/s', n: 0, note: 'SANDLOT_BENCH_IMAGE and …_MB are not set' }]
      }
      const ms = await build(await register('bench-pull'), [], { fromImage: image, force: true })
      return [single('pull and unpack', 'MB/s', megabytes / (ms / 1000), 1)]
    },
  }
}

/** An archive with a directory of small files. */
function tar(files) {
  const parts = [header('src/', 0, '5')]
  for (let i = 0; i < files; i++) {
    const content = Buffer.from(`file ${i}\n`)
    parts.push(header(`src/${i % 100}-${i}.txt`, content.length, '0'), content, Buffer.alloc(-content.length & 511))
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

function header(name, size, type) {
  const block = Buffer.alloc(512)
  const octal = (value, at, width) => block.write(value.toString(8).padStart(width - 1, '0'), at)
  block.write(name)
  octal(type === '5' ? 0o755 : 0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(1_700_000_000, 136, 12)
  block.write('        ', 148)
  block.write(type, 156)
  block.write('ustar\x0000', 257)
  octal(block.reduce((sum, byte) => sum + byte, 0), 148, 8)
  return block
}
