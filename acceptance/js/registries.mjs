// Templates from images of registries that ask who comes, through the official SDK. Called by acceptance/registries.
import { after, test } from 'node:test'
import assert from 'node:assert/strict'
import http from 'node:http'
import { createVerify, generateKeyPairSync } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { Sandbox, Template } from 'e2b'
import { sandbox } from './support.mjs'
import { DATA, PASSWORD, REGISTRY, TEAM, build, buildError, ending, forget, fresh, image, index, pushed } from './oci.mjs'

const PATIENCE = { timeout: 600_000 }
const LOGIN = { username: 'tester', password: PASSWORD }
const OF_IMAGE = { Env: ['FROM_IMAGE=said by the image', 'PATH=/opt/tool:/usr/bin:/bin', 'EMPTY='], User: 'nobody', WorkingDir: '/srv', Cmd: ['false'] }
const output = async (s, command) => (await s.commands.run(command)).stdout.trim()
const secrets = [PASSWORD, Buffer.from(`tester:${PASSWORD}`).toString('base64')]

after(forget)

/** Files of the data directory that hold a text; the trees of layers are the users' own. */
async function holding(text) {
  const found = await ending('grep', ['-rlaF', '--exclude-dir=tree', '-e', text, DATA])
  assert.ok(found.code <= 1, found.text)
  return found.stdout
}

// template-build.md 4 and 8.1
test('an image is built from with the right credentials', PATIENCE, async () => {
  const ref = await pushed(await image({ files: { 'srv/of-image': 'content' }, config: OF_IMAGE }), `${TEAM}/tool:right`)
  const name = fresh('right')
  const steps = Template().fromImage(ref, LOGIN).runCmd('echo "$FROM_IMAGE" > ~/said; echo ${EMPTY-unset} >> ~/said; echo $PATH >> ~/said')
  const { text } = await build(steps, name)
  assert.match(text, new RegExp(`${REGISTRY}/${TEAM}/tool:right`))
  const s = await sandbox(name)
  assert.equal(await output(s, 'cat /srv/of-image; id -un; pwd'), 'contentuser\n/home/user')
  const [said, empty, searched] = (await output(s, 'cat ~/said')).split('\n')
  assert.equal(said, 'said by the image')
  assert.equal(empty, 'unset', 'variables of no value are left out')
  assert.match(searched, /^\/opt\/tool:/)
  assert.equal(await output(s, 'echo "[$FROM_IMAGE]"'), '[]', 'variables of the image are for the build')
  assert.equal(await output(s, 'sudo id -un'), 'root')
})

// template-build.md 13
test('wrong and missing credentials end the build with a reason, and nothing is left', PATIENCE, async () => {
  const ref = await pushed(await image({ tree: false, files: { a: 'b' } }), `${TEAM}/closed:1`)
  const name = fresh('closed')
  const wrong = 'not-the-password-at-all'
  assert.match(await buildError(Template().fromImage(ref, { username: 'tester', password: wrong }), name), /access denied to the image .*team-\d+\/closed:1.*check the credentials/)
  assert.match(await buildError(Template().fromImage(ref), name), /access denied to the image .*team-\d+\/closed:1.*needs credentials/)
  assert.match(await buildError(Template().fromImage(`${REGISTRY}/${TEAM}/closed:none`, LOGIN), name), /team-\d+\/closed:none does not exist/)
  assert.match(await buildError(Template().fromImage(`${REGISTRY}/${TEAM}/nobody:1`, LOGIN), name), /team-\d+\/nobody.*missing in the registry/)
  await assert.rejects(Sandbox.create(name), /does not exist|not found/)
  assert.deepEqual(readdirSync(`${DATA}/pool/staging`), [])
  assert.equal(await holding(wrong), '')
})

test('one name for several platforms gives that of this machine', PATIENCE, async () => {
  const made = await index(
    { architecture: 's390x', tree: false, files: { 'srv/of': 'other' } },
    { architecture: 'amd64', files: { 'srv/of': 'amd64' } },
    { architecture: 'arm64', files: { 'srv/of': 'arm64' } },
  )
  const ref = await pushed(made, `${TEAM}/many:1`)
  const name = fresh('many')
  await build(Template().fromImage(`${REGISTRY}/${TEAM}/many@${made.digest}`, LOGIN), name)
  const own = process.arch === 'arm64' ? 'arm64' : 'amd64'
  assert.equal(await output(await sandbox(name), 'cat /srv/of'), own)
  const foreign = await pushed(await image({ architecture: 's390x', tree: false, files: { a: 'b' } }), `${TEAM}/many:s390x`)
  assert.match(await buildError(Template().fromImage(foreign, LOGIN), fresh('foreign')), /s390x/)
  assert.match(await buildError(Template().fromImage(`${ref}@sha256:${'0'.repeat(64)}`, LOGIN), fresh('nobody')), /does not exist/)
})

// template-build.md 7: the text of the reference is what the cache goes by
test('a tag that moves is seen by a build without the cache, a digest never moves', PATIENCE, async () => {
  const first = await image({ files: { 'srv/of': 'first' } })
  const ref = await pushed(first, `${TEAM}/moves:latest`)
  const name = fresh('moves')
  const read = async (reference, options) => {
    const { text } = await build(Template().fromImage(reference, LOGIN), name, options)
    const s = await Sandbox.create(name)
    const of = await output(s, 'cat /srv/of')
    await s.kill()
    return { of, cached: /CACHED \[base\]/.test(text) }
  }
  assert.deepEqual(await read(ref), { of: 'first', cached: false })
  await pushed(await image({ files: { 'srv/of': 'second' } }), `${TEAM}/moves:latest`)
  assert.deepEqual(await read(ref), { of: 'first', cached: true })
  assert.deepEqual(await read(ref, { skipCache: true }), { of: 'second', cached: false })
  assert.deepEqual(await read(ref), { of: 'second', cached: true })
  assert.deepEqual(await read(`${REGISTRY}/${TEAM}/moves@${first.digest}`), { of: 'first', cached: false })
})

/** A stand-in for the token service of a cloud: it knows one account, and gives the token that the registry takes. */
async function tokenService(publicKey) {
  const seen = []
  const server = http.createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const form = new URLSearchParams(body)
    const [head, claims, signature] = form.get('assertion').split('.')
    const known = createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url')
    seen.push({ grant: form.get('grant_type'), known, ...JSON.parse(Buffer.from(claims, 'base64url')) })
    response.writeHead(known ? 200 : 401, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(known ? { access_token: process.env.SANDLOT_TEST_REGISTRY_TOKEN } : { error: 'invalid_grant' }))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}/token`, seen, close: () => server.close() }
}

test('a service account of Google becomes a login of the registry', PATIENCE, async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const service = await tokenService(publicKey)
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const account = { type: 'service_account', client_email: 'builder@example.test', private_key_id: 'one', private_key: pem, token_uri: service.url }
  secrets.push(pem.split('\n')[5], process.env.SANDLOT_TEST_REGISTRY_TOKEN)
  const ref = await pushed(await image({ files: { 'srv/of': 'google' } }), `${TEAM}/google:1`)
  try {
    const name = fresh('google')
    await build(Template().fromGCPRegistry(ref, { serviceAccountJSON: account }), name)
    assert.equal(await output(await sandbox(name), 'cat /srv/of'), 'google')
    const { grant, known, iss, aud } = service.seen[0]
    assert.deepEqual({ grant, known, iss, aud }, { grant: 'urn:ietf:params:oauth:grant-type:jwt-bearer', known: true, iss: 'builder@example.test', aud: service.url })
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    const stranger = { ...account, private_key: other }
    assert.match(await buildError(Template().fromGCPRegistry(`${REGISTRY}/${TEAM}/google:2`, { serviceAccountJSON: stranger }), fresh('stranger')), /access denied: the service account was not accepted \(status 401\)/)
  } finally {
    service.close()
  }
})

test('keys of AWS are for registries of AWS, in their region', PATIENCE, async () => {
  const keys = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'a-secret-that-is-nowhere-else', region: 'us-east-1' }
  secrets.push(keys.secretAccessKey)
  assert.match(await buildError(Template().fromAWSRegistry(`${REGISTRY}/${TEAM}/x:1`, keys), fresh('aws')), /no private registry of AWS/)
  const elsewhere = '123456789012.dkr.ecr.eu-central-1.example.test/x:1'
  assert.match(await buildError(Template().fromAWSRegistry(elsewhere, keys), fresh('aws')), /is in the region eu-central-1 and not in us-east-1/)
})

test('no credential is in a log or on the disk', async () => {
  for (const secret of secrets) assert.equal(await holding(secret), '')
})
