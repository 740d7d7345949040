/** What callers of `load` give and get, without any worker. */
import { describe, expect, test } from 'vitest'
import { MarinaError } from '../errors.js'
import { answerOf, encodeInput, valueOf, type ModelInput } from './model-answer.js'

const bytes = (text: string) => Buffer.from(text)

describe('an input', () => {
  test.each<[string, ModelInput, string | undefined, string, string | undefined]>([
    ['bytes', Uint8Array.of(104, 105), undefined, 'hi', undefined],
    ['bytes with a type', Uint8Array.of(104, 105), 'image/png', 'hi', 'image/png'],
    ['text', 'hi', undefined, 'hi', 'text/plain'],
    ['an object', { a: 1 }, undefined, '{"a":1}', 'application/json'],
    ['a list', [1, 2], 'application/json; charset=utf-8', '[1,2]', 'application/json'],
  ])('of %s becomes the body', (_, input, given, text, type) => {
    const { input: wire } = encodeInput(input, given)
    const [part] = wire.kind === 'parts' ? wire.parts : []
    expect(part).toMatchObject({ name: 'body' })
    expect(part?.contentType).toBe(type)
    expect(part?.body.kind === 'inline' && Buffer.from(part.body.data).toString()).toBe(text)
  })
})

describe('the value of an answer', () => {
  const value = (body: Uint8Array, type?: string) =>
    valueOf({ status: 200, headers: type === undefined ? {} : { 'Content-Type': type }, body })

  test.each([
    ['JSON', bytes('{"a":1}'), 'application/json', { a: 1 }],
    ['JSON of a kind', bytes('[1]'), 'application/ld+json; charset=utf-8', [1]],
    ['text', bytes('7'), 'text/plain', '7'],
    ['text without a type', bytes('{"a":1}'), undefined, '{"a":1}'],
  ])('of %s', (_, body, type, wanted) => {
    expect(value(body, type)).toEqual(wanted)
  })

  test('of anything else is its bytes', () => {
    const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47)
    expect(value(png)).toBe(png)
    expect(value(bytes('plain'), 'image/png')).toEqual(bytes('plain'))
  })

  test.each([
    [422, 'bad-request'],
    [503, 'prediction-failed'],
  ])('that the handler failed with %i is thrown', (status, code) => {
    expect(() => valueOf({ status, headers: {}, body: bytes('no digit') })).toThrow(
      expect.objectContaining({ code, message: 'no digit' }),
    )
  })
})

describe('an outcome', () => {
  test('that the handler failed on purpose is an answer', () => {
    const answer = answerOf({ kind: 'failed', reason: 'rejected', status: 422, message: 'no digit' })
    expect(answer).toEqual({
      status: 422,
      headers: { 'content-type': 'text/plain' },
      body: bytes('no digit'),
    })
  })

  test.each([
    [{ reason: 'exception', where: 'handler.ts:7' }, 'prediction-failed', 'TypeError: x (handler.ts:7)'],
    [{ reason: 'invalid-output' }, 'prediction-failed', 'TypeError: x'],
    [{ reason: 'out-of-memory' }, 'worker-out-of-memory', 'TypeError: x'],
  ] as const)('of %j is thrown', (facts, code, message) => {
    const outcome = { kind: 'failed', status: 503, message: 'TypeError: x', ...facts } as const
    expect(() => answerOf(outcome)).toThrow(expect.objectContaining({ code, message }))
  })

  test.each([
    [{ kind: 'died', message: 'killed by SIGKILL', stderr: ['last words'] }, 'worker-failed'],
    [{ kind: 'timed-out', phase: 'response' }, 'request-timeout'],
    [{ kind: 'refused', message: 'no worker' }, 'no-worker'],
    [{ kind: 'cancelled', place: 'queued' }, 'stopped'],
  ] as const)('of %j is thrown by its code', (outcome, code) => {
    expect(() => answerOf(outcome)).toThrow(MarinaError)
    expect(() => answerOf(outcome)).toThrow(expect.objectContaining({ code }))
  })
})
