/** Archives from real HTTP servers and files: what is fetched, what is refused, and that nothing else is left. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { urlPatterns, type Pattern } from '../config/patterns.js'
import { MarinaError } from '../errors.js'
import { memoryLogger, type LogRecord } from '../log.js'
import { download, type DownloadOptions } from './download.js'

let folder = ''
let modelStore = ''
let records: LogRecord[] = []
const servers: Server[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marina-download-'))
  modelStore = join(folder, 'store')
  records = []
  await mkdir(modelStore)
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await rm(folder, { recursive: true })
})

function patterns(text: string): readonly Pattern[] {
  const read = urlPatterns.parse(text)
  if (!('value' in read)) throw new Error(`${text} is no list of patterns`)
  return read.value
}

/** Serves, and gives the server's URL and the paths that were asked of it. */
async function serve(listener: RequestListener): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    listener(request, response)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  if (typeof bound !== 'object' || bound === null) throw new Error('no port')
  return { url: `http://127.0.0.1:${bound.port}`, asked }
}

const get = (url: string, options: Partial<DownloadOptions> = {}) =>
  download(url, {
    modelStore,
    allowedUrls: patterns('http://127\\.0\\.0\\.1:.*,file://.*'),
    maxBytes: 1000,
    log: memoryLogger(records),
    ...options,
  })

/** Why a download fails, as the log is told; also sees to the client's text, and that the store is empty. */
async function reasonOf(url: string, options: Partial<DownloadOptions> = {}): Promise<string> {
  const error = await get(url, options).then(
    () => expect.fail('it was fetched'),
    (failure: unknown) => failure,
  )
  if (!(error instanceof MarinaError)) throw error
  expect([error.code, error.message]).toEqual(['download-failed', `Failed to download archive from: ${url}`])
  expect(await readdir(modelStore)).toEqual([])
  return String(error.cause)
}

describe('a download', () => {
  test('stands whole in the model store under the last segment of its path, and can be removed', async () => {
    const { url, asked } = await serve((_, response) => response.end('archive'))
    const archive = await get(`${url}/models/my%20model.mar?token=a/b#c`)
    expect(archive.path).toBe(join(modelStore, 'my%20model.mar'))
    expect(await readFile(archive.path, 'utf8')).toBe('archive')
    expect(await readdir(modelStore)).toEqual(['my%20model.mar'])
    expect(asked).toEqual(['/models/my%20model.mar?token=a/b'])
    await archive.remove()
    expect(await readdir(modelStore)).toEqual([])
  })

  test('is taken as it is, whatever encoding its server tells of', async () => {
    const { url } = await serve((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip'),
    )
    expect(await readFile((await get(`${url}/a.mar`)).path, 'utf8')).toBe('not gzip')
  })

  test('from a file is a copy', async () => {
    await writeFile(join(folder, 'a.mar'), 'archive')
    const archive = await get(`file://${folder}/a.mar`)
    await archive.remove()
    expect(await readFile(join(folder, 'a.mar'), 'utf8')).toBe('archive')
  })

  test('is not removed when somebody else has replaced it', async () => {
    const { url } = await serve((_, response) => response.end('archive'))
    const archive = await get(`${url}/a.mar`)
    await writeFile(join(modelStore, 'new'), 'theirs')
    execFileSync('mv', [join(modelStore, 'new'), archive.path])
    await archive.remove()
    expect(await readFile(archive.path, 'utf8')).toBe('theirs')
  })

  test('under patterns for all URLs is warned of', async () => {
    const { url } = await serve((_, response) => response.end('archive'))
    await get(`${url}/a.mar`)
    expect(records.filter(({ level }) => level === 'warn')).toEqual([])
    await get(`${url}/b.mar`, { allowedUrls: patterns('file://.*|http(s)?://.*') })
    expect(records.filter(({ level }) => level === 'warn')).toHaveLength(1)
  })
})

describe('a file of that name', () => {
  const taken = { code: 'model-file-exists', message: 'Model file already exists a.mar' }

  test('is kept, and nothing is asked of the server', async () => {
    const { url, asked } = await serve((_, response) => response.end('new'))
    await symlink('/nowhere', join(modelStore, 'a.mar'))
    await expect(get(`${url}/a.mar`)).rejects.toMatchObject(taken)
    expect(asked).toEqual([])
    expect(await readdir(modelStore)).toEqual(['a.mar'])
  })

  test('that appears meanwhile is kept: of two downloads at once one succeeds', async () => {
    const waiting: (() => void)[] = []
    const { url } = await serve((_, response) => {
      waiting.push(() => response.end(`answer ${waiting.length}`))
      if (waiting.length === 2) waiting.forEach((answer) => answer())
    })
    const both = await Promise.allSettled([get(`${url}/a.mar`), get(`${url}/a.mar`)])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: taken })
    expect(await readdir(modelStore)).toEqual(['a.mar'])
  })
})

describe('nothing is left of a download', () => {
  test('that nobody answers, or that is answered with another status than 200', async () => {
    expect(await reasonOf('http://127.0.0.1:1/a.mar')).toContain('ECONNREFUSED')
    const { url } = await serve((_, response) => response.writeHead(404).end('no'))
    expect(await reasonOf(`${url}/a.mar`)).toContain('the server answered 404')
  })

  test('that breaks off', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => response.destroy())
    })
    expect(await reasonOf(`${url}/a.mar`)).toMatch(/abort|reset|hang up/i)
  })

  test('that has no end', async () => {
    const { url } = await serve((_, response) => {
      const more = () => {
        if (!response.destroyed) response.write('x'.repeat(100), more)
      }
      more()
    })
    expect(await reasonOf(`${url}/a.mar`)).toContain('larger than max_download_size, 1000 bytes')
  })

  test('that falls silent, before its answer or within', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/within.mar') response.write('half')
    })
    const soon = { idleTimeoutMs: 50 }
    expect(await reasonOf(`${url}/before.mar`, soon)).toContain('nothing came for 50 ms')
    expect(await reasonOf(`${url}/within.mar`, soon)).toContain('nothing came for 50 ms')
  })

  test('that goes on for too long, a little at a time', async () => {
    const { url } = await serve((_, response) => {
      const more = () => {
        if (!response.destroyed) response.write('x', () => setTimeout(more, 20))
      }
      more()
    })
    expect(await reasonOf(`${url}/a.mar`, { totalTimeoutMs: 200 })).toMatch(/abort|timeout/i)
  })

  test.each([
    'http://127.0.0.1:1/',
    'http://127.0.0.1:1',
    'file://',
    'http://127.0.0.1:1/.hidden',
    'http://127.0.0.1:x/a.mar',
  ])('that has no name to be stored under: %s', async (url) => {
    expect(await reasonOf(url)).toContain('file name')
  })

  test('of a file that is not there, a folder, or a pipe that nobody writes to', async () => {
    expect(await reasonOf('file:///no/such/file.mar')).toContain('ENOENT')
    expect(await reasonOf(`file://${folder}`)).toContain('not a regular file')
    execFileSync('mkfifo', [join(folder, 'pipe.mar')])
    expect(await reasonOf(`file://${folder}/pipe.mar`)).toContain('not a regular file')
    expect(await reasonOf('file://host/a.mar')).toContain('host')
  })
})

describe('a redirect', () => {
  test('to an allowed URL is followed, relative or not; the name stays', async () => {
    const { url, asked } = await serve((request, response) => {
      const next = { '/a.mar': '/b', '/b': `${target.url}/c.mar` }[request.url ?? '']
      response.writeHead(302, { location: next ?? '' }).end()
    })
    const target = await serve((_, response) => response.end('archive'))
    expect((await get(`${url}/a.mar`)).path).toBe(join(modelStore, 'a.mar'))
    expect([asked, target.asked]).toEqual([['/a.mar', '/b'], ['/c.mar']])
  })

  test('to any other URL is not', async () => {
    const other = await serve((_, response) => response.end('secret'))
    const { url } = await serve((_, response) =>
      response.writeHead(301, { location: `${other.url}/a.mar` }).end(),
    )
    const allowedUrls = patterns(`${url.replaceAll('.', '\\.')}/.*`)
    expect(await reasonOf(`${url}/a.mar`, { allowedUrls })).toContain(`redirected to ${other.url}/a.mar`)
    expect(other.asked).toEqual([])
  })

  test.each(['file:///etc/hostname', 'ftp://127.0.0.1/a.mar', 'http://user@127.0.0.1:1/a.mar'])(
    'to %s is not, whatever is allowed',
    async (location) => {
      const { url } = await serve((_, response) => response.writeHead(307, { location }).end())
      expect(await reasonOf(`${url}/a.mar`, { allowedUrls: patterns('.*') })).toContain('not allowed')
    },
  )

  test('in a circle ends', async () => {
    const { url, asked } = await serve((_, response) => response.writeHead(308, { location: '/a.mar' }).end())
    expect(await reasonOf(`${url}/a.mar`)).toContain('more than 5 times')
    expect(asked).toHaveLength(6)
  })
})
