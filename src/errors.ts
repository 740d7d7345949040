/**
 * Every error that Marina makes on purpose. A code names what went wrong; HTTP status and TorchServe's `type` are
 * looked up in {@link errorTable}, never passed along. Source: TorchServe's exception classes (contract rest-api §2.3, §3).
 */
export const errorTable = {
  'bad-request': { status: 400, type: 'BadRequestException' },
  'invalid-archive': { status: 400, type: 'InvalidModelException' },
  'download-failed': { status: 400, type: 'DownloadArchiveException' },
  'invalid-token': { status: 400, type: 'InvalidKeyException' },
  'illegal-argument': { status: 403, type: 'IllegalArgumentException' },
  'default-version-in-use': { status: 403, type: 'InvalidModelVersionException' },
  'model-not-found': { status: 404, type: 'ModelNotFoundException' },
  'version-not-found': { status: 404, type: 'ModelVersionNotFoundException' },
  'endpoint-not-found': { status: 404, type: 'ResourceNotFoundException' },
  'method-not-allowed': { status: 405, type: 'MethodNotAllowedException' },
  'request-timeout': { status: 408, type: 'RequestTimeoutException' },
  conflict: { status: 409, type: 'ConflictStatusException' },
  'body-too-large': { status: 413, type: 'RequestEntityTooLargeException' },
  'unknown-expectation': { status: 417, type: 'BadRequestException' },
  'model-file-exists': { status: 500, type: 'InternalServerException' },
  'worker-failed': { status: 500, type: 'InternalServerException' },
  'no-worker': { status: 503, type: 'ServiceUnavailableException' },
  'queue-full': { status: 503, type: 'ServiceUnavailableException' },
  overloaded: { status: 503, type: 'ServiceUnavailableException' },
  'prediction-failed': { status: 503, type: 'InternalServerException' },
  'worker-out-of-memory': { status: 507, type: 'InternalServerException' },
  // Below: errors of the library and the commands, which reach HTTP only through a handler.
  'invalid-file': { status: 400, type: 'BadRequestException' },
  'invalid-shape': { status: 400, type: 'BadRequestException' },
  'wrong-model': { status: 400, type: 'BadRequestException' },
  'training-failed': { status: 500, type: 'InternalServerException' },
  'step-failed': { status: 500, type: 'InternalServerException' },
  'gate-failed': { status: 500, type: 'InternalServerException' },
  'server-unreachable': { status: 503, type: 'ServiceUnavailableException' },
  'deploy-failed': { status: 500, type: 'InternalServerException' },
  stopped: { status: 503, type: 'ServiceUnavailableException' },
  'cannot-listen': { status: 500, type: 'InternalServerException' },
  misuse: { status: 400, type: 'BadRequestException' },
} as const satisfies Record<string, { status: number; type: string }>

/** The closed set of codes. */
export type ErrorCode = keyof typeof errorTable

/** An error that says what was wrong, where, and what to do. Made by named functions, not by `new` in passing. */
export class MarinaError extends Error {
  override readonly name = 'MarinaError'
  readonly code: ErrorCode
  /** When it is worth trying again, where that is known. */
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; retryAfterMs?: number }) {
    super(message, options)
    this.code = code
    this.retryAfterMs = options?.retryAfterMs
  }

  /** HTTP status of this error's code. */
  get status(): number {
    return errorTable[this.code].status
  }

  /** TorchServe's exception name for this error's code. */
  get type(): string {
    return errorTable[this.code].type
  }
}

/** 400: the request cannot be understood; `message` says why. */
export const badRequest = (message: string, cause?: unknown) =>
  new MarinaError('bad-request', message, { cause })
/** 404: no model of that name is registered. */
export const modelNotFound = (model: string) =>
  new MarinaError('model-not-found', `Model not found: ${model}`)
/** 404: the model has no such version. */
export const versionNotFound = (model: string, version: string) =>
  new MarinaError('version-not-found', `Model version: ${version} does not exist for model: ${model}`)
/** 404: no route. */
export const endpointNotFound = () =>
  new MarinaError('endpoint-not-found', 'Requested resource is not found, please refer to API document.')
/** 405: the route exists for other methods. */
export const methodNotAllowed = () =>
  new MarinaError('method-not-allowed', 'Requested method is not allowed, please refer to API document.')
/** 400: an archive that cannot be read or trusted. */
export const invalidArchive = (message: string, cause?: unknown) =>
  new MarinaError('invalid-archive', message, { cause })
/** A data, model or index file that is damaged or of another kind than expected; `file` is named in the message. */
export const invalidFile = (file: string, why: string, cause?: unknown) =>
  new MarinaError('invalid-file', `${file}: ${why}`, { cause })
/** A tensor, batch or query of the wrong shape. */
export const invalidShape = (message: string) => new MarinaError('invalid-shape', message)
/** A call or command line that is wrong in itself (exit code 2). */
export const misuse = (message: string) => new MarinaError('misuse', message)

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
