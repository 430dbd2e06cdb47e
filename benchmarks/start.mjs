// How long the server takes to serve, and to be back with its sandboxes when it was killed.
import { execFileSync } from 'node:child_process'
import { Sandbox } from 'e2b'
import { row, timed } from './figures.mjs'
import { status } from './server.mjs'

const CACHE_LIMIT_MS = 300_000

const own = (...args) => execFileSync('./sandlot', [...args, '--data-dir', process.env.SANDLOT_BENCH_DATA], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
const up = () => own('up', '--yes', '--detach', ...process.env.SANDLOT_BENCH_PORTS.split(' '))

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function eventually(what, limitMs, holds) {
  const end = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what} took more than ${limitMs} ms`)
    await pause(10)
  }
}

const cacheIsThere = () => JSON.parse(own('doctor', '--json')).find((finding) => finding.name === 'start cache')?.level === 'ok'

/** The first server of a build makes the start cache; a later one begins with it. */
async function warm() {
  own('down')
  up()
  await eventually('the start cache', CACHE_LIMIT_MS, cacheIsThere)
}

async function gone(pid) {
  await eventually('the end of the server', 10_000, () => {
    try {
      process.kill(pid, 0)
      return false
    } catch (end) {
      return end.code === 'ESRCH'
    }
  })
}

/** Waits until the sandbox answers with the command that it ran before. */
async function isBack({ sandbox, pid }) {
  const commands = await sandbox.commands.list()
  if (!commands.some((command) => command.pid === pid)) throw new Error(`command ${pid} of ${sandbox.sandboxId} is lost`)
}

export function startBenches({ scale }) {
  return {
    async start() {
      await warm()
      const samples = []
      for (let i = 0; i < scale(20); i++) {
        own('down')
        samples.push((await timed(up)).ms)
      }
      return [row('server start, warm: `up --detach` until it serves', 'ms', samples)]
    },

    async killed() {
      await warm()
      const count = scale(50)
      const held = []
      for (let i = 0; i < count; i++) {
        const sandbox = await Sandbox.create({ timeoutMs: 3_600_000 })
        const command = await sandbox.commands.run('sleep 3600', { background: true, timeoutMs: 0 })
        await command.disconnect()
        held.push({ sandbox, pid: command.pid })
      }
      const serving = []
      const back = []
      for (let i = 0; i < scale(20); i++) {
        const { pid } = status()
        process.kill(pid, 'SIGKILL')
        await gone(pid)
        const begin = performance.now()
        up()
        serving.push(performance.now() - begin)
        await Promise.all(held.map(isBack))
        back.push(performance.now() - begin)
      }
      await Promise.all(held.map(({ sandbox }) => sandbox.kill()))
      const name = `killed server with ${count} sandboxes`
      return [row(`${name}: until it serves`, 'ms', serving), row(`${name}: until each has shown its command`, 'ms', back)]
    },
  }
}
