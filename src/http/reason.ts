/** Reason phrases of the server's own answers: as Netty, under the original, writes them. */
import { STATUS_CODES } from 'node:http'

/** Where Netty's phrase is an older one than Node's. */
const OLDER: Readonly<Record<number, string>> = {
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  416: 'Requested Range Not Satisfiable',
  425: 'Unordered Collection',
}

/** Statuses that Node has a phrase for, and Netty has not. */
const UNKNOWN = new Set([418, 451, 508])

const CLASSES = ['Informational', 'Success', 'Redirection', 'Client Error', 'Server Error']

/** The phrase of a status: `Not Found`; of one without a name its class with the number, `Server Error (513)`. */
export function reasonOf(status: number): string {
  const known = OLDER[status] ?? (UNKNOWN.has(status) ? undefined : STATUS_CODES[status])
  return known ?? `${CLASSES[Math.floor(status / 100) - 1] ?? 'Unknown Status'} (${status})`
}
