/** What exists, beside the 404 that says what does not (design §2: safe and pleasant under `marina serve`). */
import { MarinaError } from '../errors.js'
import type { Catalog } from '../serving/catalog.js'

// Longer lists help nobody in an error text.
const MOST_NAMES = 20

/** The same error with the models or versions that exist appended; other errors pass unchanged. */
export function withWhatExists(error: unknown, model: string, catalog: Catalog): unknown {
  if (!(error instanceof MarinaError)) return error
  const models = catalog.list()
  if (error.code === 'model-not-found')
    return appended(
      error,
      'Models',
      models.map((entry) => entry.modelName),
    )
  if (error.code === 'version-not-found')
    return appended(error, 'Versions', models.find((entry) => entry.modelName === model)?.versions ?? [])
  return error
}

function appended(error: MarinaError, what: string, names: readonly string[]): MarinaError {
  const shown = names.slice(0, MOST_NAMES).join(', ')
  const rest = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''
  const hint = names.length === 0 ? 'No model is registered.' : `${what} that exist: ${shown}${rest}`
  return new MarinaError(error.code, `${error.message}. ${hint}`, { cause: error.cause })
}
