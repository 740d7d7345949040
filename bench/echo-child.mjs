// The other end of the echo: sends every frame back over the Unix socket that it inherits as descriptor 3.
import { Socket } from 'node:net'

const socket = new Socket({ fd: 3, readable: true, writable: true })
socket.on('data', (bytes) => socket.write(bytes))
socket.on('end', () => socket.end())
