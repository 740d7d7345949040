import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { serverTiming } from '../src/http/server-timing.js'
import { readServerTiming } from './server-timing.js'

describe('Server-Timing', () => {
  it('is read as the server writes it, with the rest of the total as transfer', () => {
    const header = serverTiming(
      {
        receivedMs: 0,
        acceptedMs: 1,
        startedMs: 3,
        handler: { preprocessUs: 4_000, inferenceUs: 5_000, postprocessUs: 6_000 },
      } as Parameters<typeof serverTiming>[0],
      20,
    )
    expect(readServerTiming(header)).toEqual({
      phases: [
        { name: 'decode', ms: 1 },
        { name: 'queue', ms: 2 },
        { name: 'preprocess', ms: 4 },
        { name: 'inference', ms: 5 },
        { name: 'postprocess', ms: 6 },
        { name: 'transfer', ms: 2 },
      ],
      totalMs: 20,
    })
  })

  it.each([null, '', 'cache', 'cache;desc=hit'])('is nothing where the header is %j', (header) => {
    expect(readServerTiming(header)).toBeUndefined()
  })

  it('sums the phases where no total is named', () => {
    expect(readServerTiming('a;dur=1, b;desc="x";dur="2.5"')?.totalMs).toBe(3.5)
  })

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        for (const { ms } of readServerTiming(header)?.phases ?? []) expect(ms).not.toBeNaN()
      }),
    )
  })
})
