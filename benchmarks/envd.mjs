// The figures of the service of a sandbox's files and processes.
import { randomBytes } from 'node:crypto'
import { Sandbox } from 'e2b'
import { percentile, row, single, timed } from './figures.mjs'
import { call, download, runCommand, upload } from './plain.mjs'
import { forgetPeak, holdings, peak, processorSeconds, resident, status } from './server.mjs'

const MB = 1e6
const GIB = 2 ** 30
const ROW_MS = 60_000

/** Sandboxes that are gone afterwards, whatever happens. */
async function withSandboxes(count, action) {
  const made = []
  try {
    while (made.length < count) {
      const batch = Math.min(10, count - made.length)
      const outcomes = await Promise.allSettled(Array.from({ length: batch }, () => Sandbox.create({ timeoutMs: 900_000 })))
      made.push(...outcomes.filter((o) => o.status === 'fulfilled').map((o) => o.value))
      const failed = outcomes.find((o) => o.status === 'rejected')
      if (failed) throw failed.reason
    }
    return await action(made)
  } finally {
    await Promise.all(made.map((s) => s.kill()))
  }
}

const withSandbox = (action) => withSandboxes(1, ([s]) => action(s))

/** The sandbox as plain HTTP knows it. */
const plain = (s) => ({ sandboxID: s.sandboxId, envdAccessToken: s.envdAccessToken })

/** Times the action so often, or as often as the time of a row allows. */
async function repeat(times, action) {
  const end = performance.now() + ROW_MS
  const samples = []
  for (let i = 0; i < times && performance.now() < end; i++) samples.push((await timed(() => action(i))).ms)
  return samples
}

/** Speeds in MB/s: the middle one, and the slowest. */
function speed(name, bytes, samples, note) {
  const slowest = bytes / MB / (Math.max(...samples) / 1000)
  const middle = bytes / MB / (percentile(samples, 0.5) / 1000)
  return single(name, 'MB/s', middle, samples.length, { note: `slowest ${slowest.toFixed(0)}${note ? `; ${note}` : ''}` })
}

/** Milliseconds of the wall clock with fractions, as other processes of the machine read it. */
function wallClock() {
  const before = Date.now()
  while (Date.now() === before);
  const offset = Date.now() - performance.now()
  return () => performance.now() + offset
}

async function burst(sandboxes, count) {
  const begin = performance.now()
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, async (_, i) => {
      const result = await sandboxes[i % sandboxes.length].commands.run(`echo ${i}`, { timeoutMs: 30_000 })
      if (result.stdout !== `${i}\n`) throw new Error(`command ${i} said ${JSON.stringify(result.stdout)}`)
      return performance.now() - begin
    }),
  )
  const failed = outcomes.filter((o) => o.status === 'rejected')
  if (failed.length > 0) console.error(`${failed.length} commands failed, the first: ${failed[0].reason}`)
  return { done: outcomes.filter((o) => o.status === 'fulfilled').map((o) => o.value), failed: failed.length }
}

/** @param options.scale makes a count smaller with --quick */
export function envdBenches({ scale, soakCommands }) {
  return {
    command: () =>
      withSandbox(async (s) => {
        const first = await repeat(scale(500), () => s.commands.run('true'))
        await repeat(scale(1500), () => s.commands.run('true'))
        const warm = await repeat(scale(500), () => s.commands.run('true'))
        return [
          row('command `true`, the first of a server', 'ms', first),
          row('command `true`, after 2000', 'ms', warm),
        ]
      }),

    'commands-burst': () =>
      withSandboxes(scale(50), async (sandboxes) => {
        const count = scale(1500)
        await Promise.all(sandboxes.map((s) => s.commands.run('true')))
        await burst(sandboxes, count)
        const { done, failed } = await burst(sandboxes, count)
        return [row(`${count} commands at once, ${sandboxes.length} sandboxes`, 'ms', done, { note: `${failed} failed` })]
      }),

    file: () =>
      withSandbox(async (s) => {
        const size = scale(GIB)
        const block = randomBytes(1 << 20)
        const times = 5
        const { pid } = status()
        await upload(plain(s), '/home/user/file', size, block)
        await download(plain(s), '/home/user/file')
        const before = resident(pid)
        forgetPeak(pid)
        const begun = processorSeconds(pid)
        const up = await repeat(times, () => upload(plain(s), '/home/user/file', size, block))
        const uploaded = processorSeconds(pid)
        const upPeak = peak(pid)
        forgetPeak(pid)
        const down = await repeat(times, async () => {
          const received = await download(plain(s), '/home/user/file')
          if (received !== size) throw new Error(`${received} of ${size} bytes came`)
        })
        const downPeak = peak(pid)
        const downloaded = processorSeconds(pid)
        const own = await repeat(times, () =>
          s.commands.run(`dd if=/dev/zero of=/home/user/own bs=256k count=${Math.ceil(size / 262_144)} 2>/dev/null`),
        )
        const part = scale(64 << 20)
        const data = new Blob([randomBytes(part)])
        const sdkUp = await repeat(times, () => s.files.write('/home/user/sdk', data))
        const sdkDown = await repeat(times, async () => {
          let received = 0
          for await (const chunk of await s.files.read('/home/user/sdk', { format: 'stream' })) received += chunk.length
          if (received !== part) throw new Error(`${received} of ${part} bytes came`)
        })
        const cost = (seconds, samples) => `${((seconds / samples.length / size) * 1e9).toFixed(2)} s of processor per GB`
        const memory = (most) => `server ${before.toFixed(0)} → peak ${most.toFixed(0)} MiB`
        const MiB = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`
        return [
          speed(`file up, ${MiB(size)}, plain HTTP`, size, up, `${memory(upPeak)}; ${cost(uploaded - begun, up)}`),
          speed(`file down, ${MiB(size)}, plain HTTP`, size, down, `${memory(downPeak)}; ${cost(downloaded - uploaded, down)}`),
          speed(`yardstick: dd in the sandbox, ${MiB(size)}`, size, own),
          speed(`file up, ${MiB(part)}, SDK`, part, sdkUp),
          speed(`file down, ${MiB(part)}, SDK`, part, sdkDown),
        ]
      }),

    listdir: () =>
      withSandbox(async (s) => {
        const entries = 10_000
        await s.commands.run(`mkdir many && cd many && seq 1 ${entries} | xargs touch`)
        const check = (found) => {
          if (found !== entries) throw new Error(`${found} of ${entries} entries`)
        }
        const byHttp = await repeat(scale(50), async () =>
          check((await call(plain(s), 'filesystem.Filesystem/ListDir', { path: '/home/user/many', depth: 1 })).entries.length),
        )
        const bySdk = await repeat(scale(20), async () => check((await s.files.list('/home/user/many')).length))
        return [
          row(`ListDir, ${entries} entries, plain HTTP`, 'ms', byHttp),
          row(`ListDir, ${entries} entries, SDK`, 'ms', bySdk),
        ]
      }),

    watch: () =>
      withSandbox(async (s) => {
        await s.files.makeDir('/home/user/watched')
        const now = wallClock()
        const seen = new Map()
        let told = () => {}
        const handle = await s.files.watchDir('/home/user/watched', (event) => {
          if (!seen.has(event.name)) seen.set(event.name, now())
          told(event.name)
        })
        const byApi = await repeat(scale(200), async (i) => {
          const arrived = new Promise((resolve) => (told = (name) => name === `api-${i}` && resolve()))
          await Promise.all([arrived, s.files.write(`/home/user/watched/api-${i}`, 'x')])
        })
        const count = scale(200)
        const all = new Promise((resolve) => {
          let arrived = 0
          const names = new Set()
          told = (name) => {
            if (!name.startsWith('in-') || names.has(name)) return
            names.add(name)
            if (++arrived === count) resolve()
          }
        })
        await s.commands.run(
          `python3 -c "import time
for _ in range(${count}):
    open(f'/home/user/watched/in-{time.time_ns()}', 'w').close()
    time.sleep(0.02)"`,
        )
        await all
        const inside = [...seen].filter(([name]) => name.startsWith('in-')).map(([name, at]) => at - Number(name.slice(3)) / 1e6)
        await handle.stop()
        return [
          row('watch: files.write until its first event', 'ms', byApi),
          row('watch: open() inside until the event', 'ms', inside),
        ]
      }),

    pty: () =>
      withSandbox(async (s) => {
        let heard = () => {}
        const decoder = new TextDecoder()
        const terminal = await s.pty.create({ cols: 1000, rows: 40, timeoutMs: 0, onData: (data) => heard(decoder.decode(data)) })
        const type = async (text, expected) => {
          const echo = new Promise((resolve) => {
            let all = ''
            heard = (more) => (all += more).includes(expected) && resolve()
          })
          await Promise.all([echo, s.pty.sendInput(terminal.pid, new TextEncoder().encode(text))])
        }
        await type("stty -icanon; echo 'rea'dy; cat > /dev/null\n", 'ready')
        const samples = await repeat(scale(300), (i) => {
          const key = String.fromCharCode(97 + (i % 26))
          return type(key, key)
        })
        await s.pty.kill(terminal.pid)
        return [row('terminal: keystroke until its echo', 'ms', samples)]
      }),

    soak: () =>
      withSandboxes(10, async (sandboxes) => {
        const total = soakCommands
        const step = Math.max(1, Math.ceil(total / 10))
        const { pid } = status()
        const samples = []
        const series = []
        const note = (commands) => series.push({ commands, ...holdings(pid) })
        note(0)
        for (let done = 0; done < total; done += step) {
          const count = Math.min(step, total - done)
          let next = 0
          const worker = async () => {
            while (next < count) {
              const s = sandboxes[next++ % sandboxes.length]
              samples.push((await timed(() => runCommand(plain(s), '/bin/true'))).ms)
            }
          }
          await Promise.all(Array.from({ length: 16 }, worker))
          note(done + count)
        }
        await new Promise((resolve) => setTimeout(resolve, 35_000))
        note(total)
        console.error('commands   heap MiB    RSS MiB  descriptors  threads')
        for (const at of series) {
          console.error(
            [at.commands, at.heapMiB.toFixed(1), at.rssMiB.toFixed(1), at.descriptors, at.threads]
              .map((v, i) => String(v).padStart([8, 10, 10, 12, 8][i]))
              .join(' '),
          )
        }
        const [, begun] = series
        const rested = series.at(-1)
        const grown = (key) => rested[key] - begun[key]
        const flat = grown('heapMiB') < 4 && grown('descriptors') < 10 && grown('threads') < 20
        if (!flat) process.exitCode = 1
        return [
          row(`soak: ${total} commands, 16 at once`, 'ms', samples, { note: flat ? 'flat' : 'NOT FLAT' }),
          single('soak: heap grown since the first tenth', 'MiB', grown('heapMiB'), total),
          single('soak: memory grown since the first tenth', 'MiB', grown('rssMiB'), total),
        ]
      }),
  }
}
