import { describe, expect, it } from 'vitest'
import type { PageModel, PageModels } from '../src/http/page-types.js'
import type { Api, Listed } from './api.js'
import { choose, hashOf, moveCatalog, watchCatalog, type CatalogState } from './catalog.js'

const version = (number: string, ready = true) => ({
  version: number,
  ready,
  runtime: 'node',
  workers: { ready: ready ? 1 : 0, wanted: 1 },
  predictUrl: `/predictions/m/${number}`,
  examples: [],
})
const model = (name: string, ...versions: ReturnType<typeof version>[]): PageModel => ({
  name,
  defaultVersion: versions[0]?.version ?? '',
  versions,
})
const page = (...models: PageModel[]): PageModels => ({ server: '1', models })

describe('the chosen version', () => {
  const models = [model('slow', version('1.0', false)), model('a/b', version('1.0'), version('2.0'))]
  const chosen = (hash: string) => {
    const choice = choose(models, hash)
    return choice && `${choice.model.name} ${choice.version.version}`
  }

  it('is the one that the address names', () => expect(chosen('#/a%2Fb/2.0')).toBe('a/b 2.0'))
  it('is the default one of the named model', () => expect(chosen('#/slow')).toBe('slow 1.0'))
  it('is of the first model that is ready when the address names none', () =>
    expect(chosen('')).toBe('a/b 1.0'))
  it('is the default one when the named version is gone', () => expect(chosen('#/a%2Fb/9')).toBe('a/b 1.0'))
  it('survives an address that is no URL', () => expect(chosen('#/%E0%A4%A')).toBe('a/b 1.0'))
  it('is none where there is no model', () => expect(choose([], '')).toBeUndefined())

  it('has an address that chooses it again', () => {
    const choice = choose(models, '#/a%2Fb/2.0')
    expect(choice && choose(models, hashOf(choice))).toEqual(choice)
  })
})

describe('the catalog', () => {
  it('remembers what a server said before it went, however often it is not reached', () => {
    const here = moveCatalog({ kind: 'waiting' }, { kind: 'models', models: page() })
    const gone: Listed = { kind: 'gone', message: 'refused' }
    expect(moveCatalog(moveCatalog(here, gone), gone)).toEqual({
      kind: 'gone',
      message: 'refused',
      last: page(),
    })
  })

  it('tells only what has changed', async () => {
    const said: Listed[] = [
      { kind: 'models', models: page() },
      { kind: 'models', models: page() },
      { kind: 'models', models: page(model('m', version('1.0'))) },
      { kind: 'gone', message: 'refused' },
    ]
    const stop = new AbortController()
    const api: Pick<Api, 'models'> = {
      models: () => Promise.resolve(said.shift() ?? { kind: 'gone', message: 'refused' }),
    }
    const pause = () => {
      if (said.length === 0) stop.abort()
      return Promise.resolve()
    }
    const told: CatalogState[] = []
    await watchCatalog(
      { api: api as Api, pause },
      { signal: stop.signal, changed: (state) => told.push(state) },
    )
    expect(told.map(({ kind }) => kind)).toEqual(['here', 'here', 'gone'])
  })
})
