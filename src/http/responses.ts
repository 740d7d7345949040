/** Makes the answers that the server itself gives: JSON as TorchServe prints it (contract rest-api §2). */
import type { HeaderList, WholeResponse } from './message.js'

const JSON_HEADERS: HeaderList = ['content-type', 'application/json']

/** Headers that stand on every answer beside its id, length and connection. */
export const COMMON_HEADERS: HeaderList = [
  'Pragma',
  'no-cache',
  'Cache-Control',
  'no-cache; no-store, must-revalidate, private',
  'Expires',
  'Thu, 01 Jan 1970 00:00:00 UTC',
]

/** JSON with two blanks and a newline; undefined fields are left out. */
export function jsonResponse(value: unknown, status = 200): WholeResponse {
  return { kind: 'whole', status, headers: JSON_HEADERS, body: `${JSON.stringify(value, null, 2)}\n` }
}

/** `{"status": text}`. */
export const statusResponse = (text: string, status = 200): WholeResponse =>
  jsonResponse({ status: text }, status)

/** An error body: always exactly code, type, message. */
export function errorBody(
  status: number,
  { type, message, headers = [] }: { type: string; message: string; headers?: HeaderList },
): WholeResponse {
  const response = jsonResponse({ code: status, type, message }, status)
  return headers.length === 0 ? response : { ...response, headers: [...response.headers, ...headers] }
}
