/** What a process takes of the machine's memory. */
import { readFileSync } from 'node:fs'

/** `VmRSS` of Linux's `/proc`, in bytes; 0 where there is none. Takes some 20 µs: the kernel answers from memory. */
export function residentBytes(pid: number): number {
  try {
    const kib = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return Number(kib ?? 0) * 1024
  } catch {
    return 0
  }
}
