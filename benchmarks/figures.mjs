/** The value below which the share `p` (0 to 1) of the samples lies: nearest rank. */
export function percentile(samples, p) {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)]
}

/** Milliseconds that the action took, and what it returned. */
export async function timed(action) {
  const start = process.hrtime.bigint()
  const value = await action()
  return { ms: Number(process.hrtime.bigint() - start) / 1e6, value }
}

/** One row of the table from samples in one unit. */
export function row(name, unit, samples, extra = {}) {
  return {
    name,
    unit,
    n: samples.length,
    p50: percentile(samples, 0.5),
    p95: percentile(samples, 0.95),
    p99: percentile(samples, 0.99),
    ...extra,
  }
}

/** A row for a figure that is one number, not a distribution. */
export function single(name, unit, value, n, extra = {}) {
  return { name, unit, n, p50: value, ...extra }
}

/** The rows as an aligned text table. */
export function table(rows) {
  const show = (v) => (v === undefined ? '' : typeof v === 'number' ? v.toFixed(v < 100 ? 2 : 0) : String(v))
  const columns = ['name', 'unit', 'n', 'p50', 'p95', 'p99', 'load', 'note']
  const cells = [columns, ...rows.map((r) => columns.map((c) => (c === 'n' ? String(r.n) : show(r[c]))))]
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i].length)))
  return cells
    .map((line) => line.map((cell, i) => (i >= 2 && i <= 6 ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ').trimEnd())
    .join('\n')
}
