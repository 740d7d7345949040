/** The page around the models: head, list, and the states in which there is nothing to try. */
import type { Api } from '../api.js'
import { choose, modelsOf, type CatalogState, type Choice } from '../catalog.js'
import { el, fill } from '../dom.js'
import { copyLine } from './copy-line.js'
import { createModelView, type ModelView } from './model-view.js'
import { modelList } from './model-list.js'

/** What the page stands on. */
export interface AppDeps {
  readonly api: Api
  /** As in `http://localhost:8080`. */
  readonly origin: string
  /** The part of the address behind `#`, as it is now. */
  readonly hash: () => string
}

/** The page, and how it is told what changes. */
export interface AppView {
  show(state: CatalogState): void
  /** The address has changed. */
  navigate(): void
}

/** Fills `root`. A version that stays chosen keeps its form: what is drawn there outlives every look at the server. */
export function createAppView(root: HTMLElement, deps: AppDeps): AppView {
  const status = el('p', { class: 'server', role: 'status' })
  const list = el('div')
  const banner = el('div', { role: 'status' })
  const stage = el('div', { class: 'chosen' })
  fill(root, header(status), banner, el('div', { class: 'columns' }, list, el('main', {}, stage)))
  let state: CatalogState = { kind: 'waiting' }
  let shown: { readonly key: string; readonly view: ModelView } | undefined

  const showModel = (choice: Choice) => {
    const key = keyOf(choice)
    if (shown?.key === key) {
      shown.view.update(choice.version)
      return
    }
    shown = { key, view: createModelView(choice, deps) }
    fill(stage, shown.view.element)
  }
  const render = () => {
    const models = modelsOf(state)
    const choice = models && choose(models.models, deps.hash())
    fill(status, ...statusOf(state))
    fill(banner, state.kind === 'gone' && choice ? goneView() : undefined)
    fill(list, models && choice ? modelList(models.models, choice) : undefined)
    if (choice) {
      showModel(choice)
      return
    }
    shown = undefined
    fill(stage, ...stageOf(state, deps.origin))
  }
  render()
  return {
    show(next) {
      state = next
      render()
    },
    navigate: render,
  }
}

/** Two looks with the same key may share one form: only readiness may differ. */
function keyOf({ model, version }: Choice): string {
  const { predictUrl, explainUrl, schema, examples } = version
  return JSON.stringify([model.name, version.version, predictUrl, explainUrl, schema, examples])
}

const header = (status: HTMLElement): HTMLElement =>
  el(
    'header',
    { class: 'top' },
    el('h1', {}, el('span', { class: 'mark', 'aria-hidden': 'true' }), 'Marina'),
    status,
  )

function statusOf(state: CatalogState): (HTMLElement | string)[] {
  const dot = (kind: string) => el('span', { class: `dot ${kind}`, 'aria-hidden': 'true' })
  switch (state.kind) {
    case 'waiting':
      return ['connecting …']
    case 'here':
      return [dot('ready'), `server ${state.models.server}`]
    case 'gone':
      return [dot('failed'), 'server not reached']
    default:
      state satisfies never
      return []
  }
}

/** What stands where a model would. */
function stageOf(state: CatalogState, origin: string): HTMLElement[] {
  switch (state.kind) {
    case 'waiting':
      return []
    case 'here':
      return [emptyView(origin)]
    case 'gone':
      return [goneView()]
    default:
      state satisfies never
      return []
  }
}

function goneView(): HTMLElement {
  return el(
    'section',
    { class: 'notice bad' },
    el('h2', {}, 'The server does not answer'),
    el(
      'p',
      {},
      'It may have been stopped, or it is starting again. This page looks for it every few seconds.',
    ),
    copyLine('Start it again with the demo', 'npx marina demo'),
    copyLine('or with an archive of yours', 'npx marina serve model_store/NAME.mar'),
  )
}

function emptyView(origin: string): HTMLElement {
  const management = managementOf(origin)
  return el(
    'section',
    { class: 'panel empty' },
    el('h2', {}, 'The server is up, and has no model yet'),
    el('p', {}, 'Give it one; it appears here by itself.'),
    copyLine('Train, pack and serve one from real data', 'npx marina demo'),
    copyLine('Serve an archive', 'npx marina serve model_store/NAME.mar'),
    copyLine(
      'Register one at this server',
      `curl -X POST '${management}/models?url=NAME.mar&initial_workers=1'`,
    ),
  )
}

/** The management API stands one port above, unless it was set apart. */
function managementOf(origin: string): string {
  const url = new URL(origin)
  const port = Number(url.port === '' ? '80' : url.port)
  return `http://localhost:${port + 1}`
}
