/** Which version of a model serves now. */
import { MarinaError } from '../errors.js'
import { defaultVersion, type RegisteredVersion } from './management.js'

/** The default version of a model at a server; undefined where no server listens, or the model is not registered. */
export async function servingVersion(options: {
  /** Such as `http://127.0.0.1:8081`. */
  readonly management: string
  readonly model: string
  readonly signal?: AbortSignal
}): Promise<RegisteredVersion | undefined> {
  const { management, model, signal } = options
  try {
    return await defaultVersion(management, model, signal)
  } catch (error) {
    if (error instanceof MarinaError && error.code === 'server-unreachable') return undefined
    throw error
  }
}
