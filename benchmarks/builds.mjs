// Figures of template builds, over plain HTTP: how the SDKs poll shall not be part of them.
import { createHash, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { row, single, timed } from './figures.mjs'
import { registryOfBase } from './pull.mjs'
import { directoryOf } from './tar.mjs'

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
      const archive = gzipSync(directoryOf(COPIED_FILES))
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

    /** What a build from an image takes longer when its one layer is not here yet. */
    async pull() {
      const registry = await registryOfBase()
      try {
        const samples = []
        for (let i = 0; i < scale(5); i++) {
          const from = { fromImage: await registry.add(), force: true }
          const first = await build(await register('bench-pull'), [], from)
          const again = await build(await register('bench-pull'), [], from)
          samples.push(registry.megabytes / ((first - again) / 1000))
        }
        return [row(`pull and unpack, ${Math.round(registry.megabytes)} MB in one layer`, 'MB/s', samples)]
      } finally {
        registry.close()
      }
    },
  }
}
