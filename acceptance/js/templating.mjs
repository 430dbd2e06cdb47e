import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after } from 'node:test'
import { Template } from 'e2b'
import { api } from './support.mjs'

export const PATIENCE = { timeout: 600_000 }

const named = []
const directories = []

/** A name that no other run has; its template is deleted at the end. */
export function fresh(name) {
  const unique = `accept-${name}-${Date.now().toString(36)}-${named.length}`
  named.push(unique)
  return unique
}

after(async () => {
  for (const name of named) await api('DELETE', `/templates/${name}`)
  for (const directory of directories) rmSync(directory, { recursive: true })
})

/** Builds and collects the log. */
export async function build(template, name, options = {}) {
  const lines = []
  const info = await Template.build(template, name, { cpuCount: 1, memoryMB: 256, onBuildLogs: (e) => lines.push(e), ...options })
  return { info, lines, text: lines.map((l) => l.message).join('\n') }
}

/** The error of a build that must not succeed, and what its log had. */
export async function failure(template, name = fresh('fails'), options = {}) {
  const lines = []
  const error = await build(template, name, { onBuildLogs: (e) => lines.push(e), ...options }).then(
    () => assert.fail('built'),
    (e) => e,
  )
  return { error, text: lines.map((l) => l.message).join('\n') }
}

/** A directory with files: names to contents, an object for a directory. */
export function context(files) {
  const dir = mkdtempSync(path.join(tmpdir(), 'sandlot-context-'))
  directories.push(dir)
  fill(dir, files)
  return dir
}

function fill(dir, files) {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(dir, name)
    if (typeof content === 'string' || Buffer.isBuffer(content)) {
      mkdirSync(path.dirname(file), { recursive: true })
      writeFileSync(file, content)
    } else {
      mkdirSync(file, { recursive: true })
      fill(file, content)
    }
  }
}

/** The line of a file in which a text stands alone in its kind. */
export function lineOf(file, mark) {
  const lines = readFileSync(file, 'utf8').split('\n')
  const found = lines.flatMap((line, i) => (line.includes(mark) && !line.includes('lineOf') ? [i + 1] : []))
  assert.equal(found.length, 1, `${mark} stands on lines ${found}`)
  return found[0]
}

/**
 * What this machine's clients of package registries are told, for a template: the authorities it trusts and where its
 * registries are. No registry is named here: the clients are asked.
 */
export function machineClients() {
  const dir = context({})
  const bundle = [process.env.SSL_CERT_FILE, '/etc/ssl/certs/ca-certificates.crt'].find((f) => f && existsSync(f))
  const envs = {}
  if (bundle) {
    copyFileSync(bundle, path.join(dir, 'machine-ca.crt'))
    Object.assign(envs, { PIP_CERT: '/opt/machine/machine-ca.crt', NODE_EXTRA_CA_CERTS: '/opt/machine/machine-ca.crt' })
  } else {
    writeFileSync(path.join(dir, 'machine-ca.crt'), '')
  }
  const npm = asked('npm', 'config', 'get', 'registry')
  if (npm) envs.npm_config_registry = npm
  const pip = asked('python3', '-m', 'pip', 'config', 'get', 'global.index-url')
  if (pip) envs.PIP_INDEX_URL = pip
  return { dir, bundle: path.join(dir, 'machine-ca.crt'), envs }
}

function asked(...command) {
  try {
    return execFileSync(command[0], command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
