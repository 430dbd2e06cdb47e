// Archives, as little of them as the figures need.

/** An archive with a directory of small files. */
export function directoryOf(files) {
  const parts = [header('src/', 0, '5')]
  for (let i = 0; i < files; i++) {
    const content = Buffer.from(`file ${i}\n`)
    parts.push(file(`src/${i % 100}-${i}.txt`, content))
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

/** One file, as it stands in an archive. */
export function file(name, content) {
  return Buffer.concat([header(name, content.length, '0'), content, Buffer.alloc(-content.length & 511)])
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
