import { before, test } from 'node:test'
import assert from 'node:assert/strict'
import { eventually, sandbox } from './support.mjs'

let a, b
before(async () => {
  ;[a, b] = await Promise.all([sandbox(), sandbox()])
})

const root = (s, command, options) => s.commands.run(command, { user: 'root', ...options })
const fails = (s, command) => assert.rejects(root(s, command), (e) => e.exitCode !== undefined && e.exitCode !== 0)

test('root inside is nobody outside', async () => {
  assert.equal((await root(a, 'id -u')).stdout, '0\n')
  const [inside, outside, size] = (await root(a, 'cat /proc/self/uid_map')).stdout.trim().split(/\s+/).map(Number)
  assert.equal(inside, 0)
  assert.ok(outside >= 65536, `mapped to ${outside}`)
  assert.equal(size, 65536)
  const other = (await root(b, 'cat /proc/self/uid_map')).stdout.trim().split(/\s+/).map(Number)
  assert.notEqual(other[1], outside)
})

test('processes of the host and of others are not seen', async () => {
  await b.commands.run('exec -a neighbour sleep 60', { background: true })
  const seen = (await root(a, 'ls /proc | grep -E "^[0-9]+$" | wc -l')).stdout
  assert.ok(Number(seen) < 20, `${seen} processes`)
  await fails(a, 'pgrep -f neighbour')
})

test('what the kernel would let a stronger root do is refused', async () => {
  await fails(a, 'mount -t tmpfs none /mnt')
  await fails(a, 'unshare -U true')
  await fails(a, 'ls /dev/fuse')
  await fails(a, 'mknod /tmp/fuse c 10 229 && exec 3<>/tmp/fuse')
  await fails(a, 'mount -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none /mnt 3<>/dev/null')
  await fails(a, 'unshare -m true')
  await fails(a, 'echo 1 > /proc/sys/kernel/sysrq')
  await fails(a, 'mknod /tmp/sda b 8 0 && head -c1 /tmp/sda')
  await fails(a, 'cat /proc/1/root/etc/hostname && nsenter -t 1 -m true')
  await fails(a, 'dmesg')
  await fails(a, 'ip link set eth0 down')
})

test('private ranges, the metadata address, the host and the neighbour are out of reach', async () => {
  const outside = JSON.parse(process.env.SANDLOT_TEST_OUTSIDE)
  const reaches = (host, port) =>
    root(a, `timeout 2 bash -c '</dev/tcp/${host}/${port}'`).then(
      () => true,
      () => false,
    )
  assert.equal(await reaches(outside.public, outside.port), true, 'a public address is reached')

  const address = (await root(b, "ip -4 -o addr show eth0 | awk '{print $4}' | cut -d/ -f1")).stdout.trim()
  await b.commands.run('python3 -m http.server 8200 --bind 0.0.0.0', { background: true })
  await eventually('the neighbour serves', () =>
    root(b, `bash -c '</dev/tcp/${address}/8200'`).then(
      () => true,
      () => false,
    ),
  )
  const gateway = (await root(a, "ip route | awk '/^default/ {print $3}'")).stdout.trim()
  const ownPort = Number(new URL(process.env.E2B_API_URL).port)
  assert.equal(await reaches(address, 8200), false, 'the neighbour')
  assert.equal(await reaches(gateway, ownPort), false, 'the host by its gateway address')
  assert.equal(await reaches(outside.host, ownPort), false, 'the host by another address')
  for (const denied of outside.denied) assert.equal(await reaches(denied, outside.port), false, denied)
})

test('a sandbox without internet access reaches nothing outside', async () => {
  const outside = JSON.parse(process.env.SANDLOT_TEST_OUTSIDE)
  const closed = await sandbox({ allowInternetAccess: false })
  await fails(closed, `timeout 2 bash -c '</dev/tcp/${outside.public}/${outside.port}'`)
  assert.equal((await closed.commands.run('echo works')).stdout, 'works\n')
})

test('a memory hog and a fork bomb end inside their limits', async () => {
  const hog = a.commands.run(`python3 -c "x = bytearray(64 << 30)"`, { timeoutMs: 30_000 })
  await assert.rejects(hog)
  const eater = a.commands.run(`python3 -c "
x = []
while True: x.append(bytearray(1 << 20))
"`, { timeoutMs: 60_000 })
  await assert.rejects(eater)
  await a.commands.run('f() { f | f & }; f; sleep 1', { timeoutMs: 10_000 }).catch(() => {})
  assert.equal((await b.commands.run('echo fine')).stdout, 'fine\n')
  assert.equal(await a.kill(), true)
  assert.equal((await b.commands.run('echo still fine')).stdout, 'still fine\n')
})
