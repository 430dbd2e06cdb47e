// Images made by hand for the tests of registries, as OCI layouts, and what else these tests share.
import { createHash } from 'node:crypto'
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Template } from 'e2b'
import { api, eventually } from './support.mjs'

export const WORK = process.env.SANDLOT_TEST_WORK
export const DATA = process.env.SANDLOT_TEST_DATA
export const REGISTRY = process.env.SANDLOT_TEST_REGISTRY
/** Where the images of this run lie; the cache of the server goes by names. */
export const TEAM = process.env.SANDLOT_TEST_REGISTRY_TEAM
export const PASSWORD = process.env.SANDLOT_TEST_REGISTRY_PASSWORD
export const SANDLOT = new URL('../../sandlot', import.meta.url).pathname
const PATIENCE_MS = 300_000
const OCI = 'application/vnd.oci.image'
const run = promisify(execFile)

export const program = (name, args, options = {}) => run(name, args, { timeout: PATIENCE_MS, maxBuffer: 64 << 20, ...options })

/** The end of a program that may fail: its code and what it wrote. */
export const ending = (name, args, options = {}) =>
  program(name, args, options).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr, stdout, stderr }),
    (e) => ({ code: e.code, text: `${e.stdout}${e.stderr}`, stdout: e.stdout, stderr: e.stderr }),
  )

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** A layout under construction: `blobs` and, at its end, `index.json`. */
class Layout {
  constructor() {
    this.directory = mkdtempSync(path.join(WORK, 'layout-'))
    mkdirSync(path.join(this.directory, 'blobs/sha256'), { recursive: true })
    writeFileSync(path.join(this.directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  }

  blob(bytes, mediaType, more = {}) {
    const hex = sha256(bytes)
    writeFileSync(path.join(this.directory, 'blobs/sha256', hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length, ...more }
  }

  json(value, mediaType, more) {
    return this.blob(Buffer.from(JSON.stringify(value)), mediaType, more)
  }

  image({ upper, config = {}, architecture = 'amd64', tree = true }) {
    const layers = []
    const diffs = []
    if (tree) {
      layers.push(this.blob(readFileSync(`${WORK}/tree.tar.gz`), `${OCI}.layer.v1.tar+gzip`))
      diffs.push(`sha256:${sha256(readFileSync(`${WORK}/tree.tar`))}`)
    }
    layers.push(this.blob(upper, `${OCI}.layer.v1.tar`))
    diffs.push(`sha256:${sha256(upper)}`)
    const settings = { architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: diffs } }
    return this.json(
      { schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, config: this.json(settings, `${OCI}.config.v1+json`), layers },
      `${OCI}.manifest.v1+json`,
      { platform: { os: 'linux', architecture } },
    )
  }

  close(top) {
    const { platform, ...named } = top
    const entry = { ...named, annotations: { 'org.opencontainers.image.ref.name': 'it' } }
    writeFileSync(path.join(this.directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
    return { source: `oci:${this.directory}:it`, digest: top.digest }
  }
}

async function archive(files) {
  const root = mkdtempSync(path.join(WORK, 'files-'))
  chmodSync(root, 0o755)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.join(root, path.dirname(name)), { recursive: true })
    writeFileSync(path.join(root, name), text)
  }
  const file = `${root}.tar`
  await run('tar', ['-C', root, '--owner=0', '--group=0', '-cf', file, '.'])
  return readFileSync(file)
}

/** An image of one platform: a Linux with more files in it. */
export async function image(options) {
  const layout = new Layout()
  return layout.close(await complete(layout, options))
}

/** One name for several platforms. */
export async function index(...images) {
  const layout = new Layout()
  const manifests = []
  for (const one of images) manifests.push(await complete(layout, one))
  const mediaType = `${OCI}.index.v1+json`
  return layout.close(layout.json({ schemaVersion: 2, mediaType, manifests }, mediaType))
}

async function complete(layout, options) {
  return layout.image({ ...options, upper: await archive(options.files ?? {}) })
}

/** Pushes a layout with skopeo and gives its reference. */
export async function pushed(made, name, credentials = `tester:${PASSWORD}`, registry = REGISTRY) {
  await program('skopeo', [
    'copy', '--all', '--insecure-policy', '--preserve-digests', '--dest-tls-verify=false', '--dest-creds', credentials,
    made.source, `docker://${registry}/${name}`,
  ])
  return `${registry}/${name}`
}

const named = []

/** A name that no other run has; its template is deleted by {@link forget}. */
export function fresh(name) {
  named.push(`images-${name}-${Date.now().toString(36)}`)
  return named.at(-1)
}

export async function forget() {
  for (const name of named) await api('DELETE', `/templates/${name}`)
}

export async function build(template, name, options = {}) {
  const lines = []
  const info = await Template.build(template, name, { cpuCount: 1, memoryMB: 256, onBuildLogs: (e) => lines.push(e.message), ...options })
  return { info, text: lines.join('\n') }
}

/** The message of a build that must fail. */
export const buildError = (template, name, options) =>
  build(template, name, options).then(
    () => { throw new Error(`${name} was built`) },
    (e) => e.message,
  )

export const operator = (method, route, body) =>
  fetch(process.env.E2B_API_URL + route, {
    method,
    headers: { 'X-Admin-Token': readFileSync(`${DATA}/admin-token`, 'utf8').trim(), 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  }).then(async (r) => {
    const text = await r.text()
    if (!r.ok) throw new Error(`${method} ${route}: ${r.status} ${text}`)
    return text && JSON.parse(text)
  })

export const sandlot = (...args) => program(SANDLOT, args)

const isServing = () => fetch(process.env.E2B_API_URL + '/health').then((r) => r.ok, () => false)

/** Ends the server with SIGKILL. */
export async function killServer() {
  const { pid } = JSON.parse((await sandlot('status', '--json', '--data-dir', DATA)).stdout)
  return () => {
    process.kill(pid, 'SIGKILL')
    return eventually('the server gone', async () => !existsSync(`/proc/${pid}`))
  }
}

/** Starts the server again on its ports. */
export async function up(env = {}) {
  const port = Number(new URL(process.env.E2B_API_URL).port)
  const ports = ['--port', port, '--traffic-port', port + 2, '--debug-port', port + 3].map(String)
  const log = openSync(`${DATA}/server.log`, 'a')
  const server = spawn(SANDLOT, ['up', '--data-dir', DATA, ...ports], {
    detached: true, stdio: ['ignore', log, log], env: { ...process.env, ...env },
  })
  server.unref()
  await eventually('the server up', async () => {
    if (server.exitCode !== null) throw new Error(`the server ended; see ${DATA}/server.log`)
    return isServing()
  }, 60_000)
}
