/** Listening on a Unix socket (contract server-config §5.1): its file appears, is for whom the umask says, and goes again. */
import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { MarinaError, messageOf } from '../errors.js'

/** `where` is an address as the user knows it. */
export const cannotListen = (where: string, why: string, cause?: unknown): MarinaError =>
  new MarinaError('cannot-listen', `Cannot listen on ${where}: ${why}.`, { cause })

// Sockets of a process that ends without an orderly stop, as at a second Ctrl-C; else the system removes them.
const open = new Set<string>()
process.on('exit', () => {
  for (const path of open) rmSync(path, { force: true })
})

const OWNER_ONLY = 0o177

/**
 * Listens at `path`. A socket that nobody listens on any more is replaced. Rejects with cannot-listen where a server
 * answers there, or where something else stands.
 */
export async function listenOnSocket(
  server: Server,
  { path, backlog }: { path: string; backlog: number },
): Promise<void> {
  await removeStale(path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: Error) => reject(cannotListen(`unix:${path}`, messageOf(cause), cause)))
    // The file is bound within `listen`: it is born for its owner alone, and opened to others only as the umask says.
    const umask = process.umask(OWNER_ONLY)
    server.listen({ path, backlog }, () => {
      chmodSync(path, 0o666 & ~umask)
      resolve()
    })
    process.umask(umask)
  })
  open.add(path)
  server.once('close', () => open.delete(path))
}

/** Nothing but a socket is ever removed, and no socket on which somebody answers. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found) return
  if (!found.isSocket())
    throw cannotListen(`unix:${path}`, 'there is a file of that name, and it is no socket')
  const answer = await knock(path)
  if (answer === 'connected') throw cannotListen(`unix:${path}`, 'a server listens there')
  if (answer !== 'ECONNREFUSED') throw cannotListen(`unix:${path}`, `the socket that is there says ${answer}`)
  rmSync(path, { force: true })
}

/** What a connection attempt ends with: `connected`, or the code of an error. */
function knock(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve('connected')
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? messageOf(error)))
  })
}
