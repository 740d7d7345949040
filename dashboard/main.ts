/** The page's start: real browser parts put together. */
import { watchCatalog } from './catalog.js'
import { createHttpApi } from './http-api.js'
import { createAppView } from './views/app-view.js'

/** Long enough to cost the server nothing, short enough that a new model seems to appear by itself. */
const LOOK_EVERY_MS = 3_000

const api = createHttpApi({ fetch: (...request) => fetch(...request), nowMs: () => performance.now() })
const root = document.querySelector<HTMLElement>('#app')
if (root) {
  const view = createAppView(root, { api, origin: location.origin, hash: () => location.hash })
  addEventListener('hashchange', () => view.navigate())
  const { signal } = new AbortController()
  void watchCatalog({ api, pause }, { signal, changed: (state) => view.show(state) })
}

/** A page that nobody looks at asks nothing. */
async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  if (document.visibilityState === 'visible') return
  await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }))
}
