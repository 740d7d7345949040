import { describe, expect, it } from 'vitest'
import type { Api, Asked, Reply } from './api.js'
import type { Parts } from './parts.js'
import { moveTrial, Trial, type TrialState } from './trial.js'

const parts = (data: string): Parts => [{ name: 'body', data, contentType: 'text/plain' }]
const reply = (value: unknown): Reply => ({
  kind: 'reply',
  content: { kind: 'json', value },
  timing: undefined,
  roundTripMs: 1,
})

/** A server whose answers come when the test says so, in any order. */
function slowServer() {
  const calls: { url: string; body: unknown; signal: AbortSignal; answer: (asked: Asked) => void }[] = []
  const api: Api = {
    models: () => Promise.resolve({ kind: 'gone', message: '' }),
    ask: (url, { body }, signal) =>
      new Promise((answer) => {
        calls.push({ url, body, signal, answer })
      }),
    example: () => Promise.resolve(undefined),
  }
  return { api, calls }
}

function start(urls = { predictUrl: '/predictions/m' }) {
  const server = slowServer()
  const states: TrialState[] = []
  const trial = new Trial(server.api, urls, (state) => states.push(state))
  const values = () =>
    states.flatMap((state) => (state.kind === 'answered' ? [state.shown.reply.content] : []))
  return { ...server, trial, states, values }
}

describe('a trial', () => {
  it('never shows an older answer after a newer one', async () => {
    const { trial, calls, values } = start()
    const asked = [trial.ask(parts('first')), trial.ask(parts('second'))]
    calls[1]?.answer(reply('new'))
    calls[0]?.answer(reply('old'))
    await Promise.all(asked)
    expect(values()).toEqual([{ kind: 'json', value: 'new' }])
  })

  it('does not show an older answer either while the newer one is awaited', async () => {
    const { trial, calls, states } = start()
    const first = trial.ask(parts('first'))
    void trial.ask(parts('second'))
    calls[0]?.answer(reply('old'))
    await first
    expect(states.map(({ kind }) => kind)).toEqual(['asking', 'asking'])
  })

  it('hangs up on what nobody waits for any more', () => {
    const { trial, calls } = start()
    void trial.ask(parts('first'))
    void trial.ask(parts('second'))
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, false])
  })

  it('stays empty when it was cleared before the answer came', async () => {
    const { trial, calls, states } = start()
    const asked = trial.ask(parts('first'))
    trial.clear()
    calls[0]?.answer(reply('old'))
    await asked
    expect(states.at(-1)).toEqual({ kind: 'empty' })
  })

  it('asks for the explanation after the answer, and adds it', async () => {
    const { trial, calls, states } = start({ predictUrl: '/p', explainUrl: '/e' } as { predictUrl: string })
    const asked = trial.ask(parts('x'))
    expect(calls.map(({ url }) => url)).toEqual(['/p'])
    calls[0]?.answer(reply(1))
    await expect.poll(() => calls.length).toBe(2)
    calls[1]?.answer(reply({ neighbours: [{ label: 'a', dist: 0.5 }] }))
    await asked
    expect(states.at(-1)).toMatchObject({ shown: { explanation: { neighbours: [{ label: 'a' }] } } })
  })

  it('drops an explanation that comes after a newer question', async () => {
    const { trial, calls, states } = start({ predictUrl: '/p', explainUrl: '/e' } as { predictUrl: string })
    const first = trial.ask(parts('first'))
    calls[0]?.answer(reply('old'))
    await expect.poll(() => calls.length).toBe(2)
    void trial.ask(parts('second'))
    calls[1]?.answer(reply({ neighbours: [{ label: 'old', dist: 1 }] }))
    await first
    expect(states.at(-1)).toMatchObject({ kind: 'asking', before: { explanation: undefined } })
  })

  it('shows a refusal with what was sent', async () => {
    const { trial, calls, states } = start()
    const asked = trial.ask(parts('x'))
    calls[0]?.answer({ kind: 'refused', status: 400, message: 'no image' })
    await asked
    expect(states.at(-1)).toMatchObject({ kind: 'failed', failure: { status: 400, message: 'no image' } })
  })

  it('ignores a settling that nothing waits for', () => {
    const empty: TrialState = { kind: 'empty' }
    expect(moveTrial(empty, { kind: 'settled', ticket: 1, asked: reply(1) })).toBe(empty)
  })
})
