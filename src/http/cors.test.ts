import { describe, expect, test } from 'vitest'
import { corsBeside, corsHeaders } from './cors.js'

const all = {
  corsOrigin: 'https://example.org',
  corsMethods: 'GET, POST, PUT, OPTIONS',
  corsHeaders: 'X-Custom-Header',
}

describe('the configured headers', () => {
  test('are what was written, word for word', () => {
    expect(corsHeaders(all)).toEqual([
      'access-control-allow-origin',
      'https://example.org',
      'access-control-allow-methods',
      'GET, POST, PUT, OPTIONS',
      'access-control-allow-headers',
      'X-Custom-Header',
    ])
  })

  test('are none when nothing is configured, and one when one is', () => {
    const none = { corsOrigin: undefined, corsMethods: undefined, corsHeaders: undefined }
    expect(corsHeaders(none)).toEqual([])
    expect(corsHeaders({ ...none, corsOrigin: '*' })).toEqual(['access-control-allow-origin', '*'])
  })
})

test('a header that the answer has in any letter case is not added a second time', () => {
  const own = ['content-type', 'text/plain', 'Access-Control-Allow-Origin', 'https://mine.example']
  expect(corsBeside(corsHeaders(all), own)).toEqual([
    'access-control-allow-methods',
    'GET, POST, PUT, OPTIONS',
    'access-control-allow-headers',
    'X-Custom-Header',
  ])
  expect(corsBeside(corsHeaders(all), ['x', 'access-control-allow-origin'])).toEqual(corsHeaders(all))
})
