// Whether the time of an answer tells a foreign ID from one that nobody has. Called by ./foreign.
//
// Foreign and unknown IDs are asked for in pairs of random order. The statistic is the share of pairs in which the
// foreign one took longer, which is one half when nothing can be told, whatever the distribution (a sign test); and
// the difference of the medians. The bound on the share is five standard errors plus two hundredths; that of the
// medians is a twentieth of the median.
import { parseArgs } from 'node:util'
import { percentile, timed } from './figures.mjs'
import { pick, seeded } from '../acceptance/js/seeded.mjs'

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    owner: { type: 'string' },
    other: { type: 'string' },
    pairs: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '1' },
  },
})
const PAIRS = Number(options.pairs)
const random = seeded(Number(options.seed))
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const unknownId = () => 'i' + Array.from({ length: 20 }, () => pick(random, ALPHABET)).join('')

async function call(key, method, path, body) {
  const answer = await fetch(options.url + path, {
    method,
    headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  })
  return { status: answer.status, text: await answer.text() }
}

const OPERATIONS = {
  detail: (id) => call(options.other, 'GET', `/sandboxes/${id}`),
  connect: (id) => call(options.other, 'POST', `/v2/sandboxes/${id}/connect`, {}),
  timeout: (id) => call(options.other, 'POST', `/sandboxes/${id}/timeout`, { timeout: 60 }),
  kill: (id) => call(options.other, 'DELETE', `/sandboxes/${id}`),
}

const made = []
for (let i = 0; i < 20; i++) {
  const answer = await call(options.owner, 'POST', '/v2/sandboxes', { templateID: 'base', timeout: 3600 })
  if (answer.status !== 201) throw new Error(`create: ${answer.status} ${answer.text}`)
  made.push(JSON.parse(answer.text).sandboxID)
}

async function time(operation, id) {
  const { ms, value } = await timed(() => operation(id))
  if (value.status !== 404) throw new Error(`${id}: ${value.status} ${value.text}`)
  return ms
}

let told = 0
try {
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const foreign = []
    const unknown = []
    for (let i = -200; i < PAIRS; i++) {
      const pair = [[foreign, pick(random, made)], [unknown, unknownId()]]
      if (random() < 0.5) pair.reverse()
      for (const [times, id] of pair) {
        const ms = await time(operation, id)
        if (i >= 0) times.push(ms)
      }
    }
    const longer = foreign.filter((ms, i) => ms > unknown[i]).length / PAIRS
    const medians = [percentile(foreign, 0.5), percentile(unknown, 0.5)]
    const shareBound = 5 * Math.sqrt(0.25 / PAIRS) + 0.02
    const isTold = Math.abs(longer - 0.5) > shareBound && Math.abs(medians[0] - medians[1]) > medians[1] / 20
    told += isTold ? 1 : 0
    console.log(
      `${name.padEnd(8)} ${PAIRS} pairs: foreign longer in ${(100 * longer).toFixed(1)} % (bound 50 ± ${(100 * shareBound).toFixed(1)} %), ` +
        `median ${medians[0].toFixed(3)} and ${medians[1].toFixed(3)} ms: ${isTold ? 'CAN BE TOLD' : 'cannot be told'}`,
    )
  }
} finally {
  for (const id of made) await call(options.owner, 'DELETE', `/sandboxes/${id}`)
}
process.exit(told === 0 ? 0 : 1)
