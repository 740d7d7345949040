import { describe, expect, it } from 'vitest'
import { createHttpApi } from './http-api.js'

const { signal } = new AbortController()

/** An API whose server answers this, or cannot be reached. */
function apiOf(answer: Response | Error) {
  const calls: { url: unknown; init: RequestInit | undefined }[] = []
  const api = createHttpApi({
    fetch: (url, init) => {
      calls.push({ url, init })
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    },
    nowMs: () => 5,
  })
  return { api, calls }
}

const ask = (answer: Response | Error) =>
  apiOf(answer).api.ask('/predictions/m', { body: 'x', contentType: 'text/plain' }, signal)

describe('a question', () => {
  it('is a POST with its content type', async () => {
    const { api, calls } = apiOf(new Response('{}'))
    await api.ask('/predictions/m', { body: 'x', contentType: 'text/plain' }, signal)
    expect(calls).toEqual([
      {
        url: '/predictions/m',
        init: { method: 'POST', body: 'x', signal, headers: { 'content-type': 'text/plain' } },
      },
    ])
  })

  it('brings JSON with the time that the server names', async () => {
    const headers = { 'content-type': 'application/json', 'server-timing': 'queue;dur=1, total;dur=2' }
    expect(await ask(new Response('{"a":1}', { headers }))).toMatchObject({
      kind: 'reply',
      content: { kind: 'json', value: { a: 1 } },
      timing: { totalMs: 2 },
    })
  })

  it.each([
    ['text/plain', 'hello', { kind: 'text', text: 'hello' }],
    [
      'application/octet-stream',
      'abc',
      { kind: 'bytes', contentType: 'application/octet-stream', sizeBytes: 3 },
    ],
    ['image/png', 'x', { kind: 'picture', picture: expect.any(Blob) as unknown }],
  ])('brings a body of type %s as it is', async (contentType, body, content) => {
    const reply = await ask(new Response(body, { headers: { 'content-type': contentType } }))
    expect(reply).toMatchObject({ kind: 'reply', content })
  })

  it.each([
    ['{"code":400,"type":"BadRequestException","message":"no image"}', 'no image'],
    ['plain words', 'plain words'],
    ['', 'The server answered 400 without a reason.'],
    ['{}', 'The server answered 400 without a reason.'],
  ])('that is refused with %j says why', async (body, message) => {
    expect(await ask(new Response(body, { status: 400 }))).toEqual({ kind: 'refused', status: 400, message })
  })

  it('finds the server gone when it cannot be reached', async () => {
    expect(await ask(new TypeError('Failed to fetch'))).toEqual({ kind: 'gone', message: 'Failed to fetch' })
  })
})

describe('the list of models', () => {
  it('is read', async () => {
    const { api } = apiOf(new Response('{"server":"1","models":[]}'))
    expect(await api.models(signal)).toEqual({ kind: 'models', models: { server: '1', models: [] } })
  })

  it.each([
    [new Response('<html>'), 'cannot read'],
    [new Response('{"server":"1"}'), 'models is not a list'],
    [new Response('', { status: 404 }), 'answered 404'],
    [new TypeError('Failed to fetch'), 'Failed to fetch'],
  ])('from something that is no server of this page is a server gone', async (answer, message) => {
    const listed = await apiOf(answer).api.models(signal)
    expect(listed).toMatchObject({ kind: 'gone', message: expect.stringContaining(message) as unknown })
  })
})

it('an example that cannot be had is undefined', async () => {
  expect(await apiOf(new Response('', { status: 404 })).api.example('/x', signal)).toBeUndefined()
  expect(await apiOf(new TypeError('gone')).api.example('/x', signal)).toBeUndefined()
})
