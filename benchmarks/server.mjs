// The server as the kernel and its own JVM see it.
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const MIB = 1 << 20

/** What `sandlot status` says of the server that is measured. */
export function status() {
  const arguments_ = ['status', '--json', '--data-dir', process.env.SANDLOT_BENCH_DATA]
  return JSON.parse(execFileSync('./sandlot', arguments_, { encoding: 'utf8' }))
}

const kib = (pid, field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])

/** Memory that the process has now, in MiB. */
export const resident = (pid) => kib(pid, 'VmRSS') / 1024

/** The most memory that the process had since {@link forgetPeak}, in MiB. */
export const peak = (pid) => kib(pid, 'VmHWM') / 1024

/** Has the kernel count the peak anew; needs root. */
export const forgetPeak = (pid) => writeFileSync(`/proc/${pid}/clear_refs`, '5')

/** Seconds of processor time that the process has used. */
export function processorSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** What the process holds after a full collection of its heap. */
export function holdings(pid) {
  const jcmd = `${dirname(readlinkSync(`/proc/${pid}/exe`))}/jcmd`
  execFileSync(jcmd, [String(pid), 'GC.run'])
  const heap = execFileSync(jcmd, [String(pid), 'GC.heap_info'], { encoding: 'utf8' })
  return {
    heapMiB: (Number(/used (\d+)K/.exec(heap)[1]) * 1024) / MIB,
    rssMiB: resident(pid),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: kib(pid, 'Threads'),
  }
}
