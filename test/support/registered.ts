/** Requests to a real server's management and inference APIs, in one line each: status and text come back. */
import type { Served } from './served.js'

/** An answer as a client sees it. */
export interface Seen {
  readonly status: number
  readonly text: string
}

/** `POST /models?…`, such as `url=echo&initial_workers=1&synchronous=true`. */
export const register = (served: Served, query: string): Promise<Seen> =>
  see(`${served.management}/models?${query}`, 'POST')

/** Any request to the management API, such as `PUT`, `/models/echo?min_worker=3`. */
export const manage = (served: Served, method: string, path: string): Promise<Seen> =>
  see(served.management + path, method)

/** A prediction of `model` or `model/version`. */
export const predict = (served: Served, model: string, body = ''): Promise<Seen> =>
  see(`${served.inference}/predictions/${model}`, 'POST', body)

/** A prediction with headers, of which the answer's come back too. */
export async function predictWith(
  served: Served,
  model: string,
  { body = '', headers = {} }: { body?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<Seen & { readonly headers: Headers }> {
  const url = `${served.inference}/predictions/${model}`
  const response = await fetch(url, { method: 'POST', body, headers })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

/** The value of a counter; `labels` as they stand in the text. 0 where there is no such sample. */
export async function counted(served: Served, counter: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${served.metrics}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${counter}{`) && one.includes(labels))
  return Number(line?.split(' ').at(-1) ?? 0)
}

/** `GET /ping`. */
export const ping = (served: Served): Promise<Seen> => see(`${served.inference}/ping`, 'GET')

async function see(url: string, method: string, body?: string): Promise<Seen> {
  const response = await fetch(url, { method, ...(body === undefined ? {} : { body }) })
  return { status: response.status, text: await response.text() }
}
