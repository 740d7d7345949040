/** Settings: where the server listens (contract server-config §5.1). */
import { isAbsolute, resolve } from 'node:path'
import { both, row } from './setting.js'
import {
  addressUrl,
  boolean,
  port,
  unboundedMilliseconds,
  word,
  type Address,
  type Kind,
  type Readable,
  type Unreadable,
} from './values.js'

const loopback = (number: number) => both<Address>({ host: '127.0.0.1', port: number })

const EXAMPLE = 'an address like http://127.0.0.1:8080'

/** Scheme, host (IPv6 in brackets) and port of an address. */
const ADDRESS = /^(?:(https?):\/\/)?(?:\[([0-9a-f:.]+)\]|([^/:\s]+))(?::(\d{1,5}))?\/?$/i

/**
 * `127.0.0.1:8080`, `http://127.0.0.1:8080`, `https://[::1]:8443`, `unix:/run/marina.sock`. Without a port it is `ports.http` or `ports.https`, as
 * in TorchServe; without a scheme the port must be there.
 */
export const address = (ports: { readonly http: number; readonly https: number }): Kind<Address> => ({
  placeholder: 'HOST:PORT',
  parse(text) {
    if (/^unix:/i.test(text.trim())) return socketOf(text.trim().slice('unix:'.length), text)
    const [, scheme, six, name, digits] = ADDRESS.exec(text.trim()) ?? []
    const host = six ?? name
    const tls = scheme?.toLowerCase() === 'https'
    const standard = scheme === undefined ? NaN : tls ? ports.https : ports.http
    const number = digits === undefined ? standard : Number(digits)
    if (host === undefined || Number.isNaN(number))
      return { mustBe: EXAMPLE, original: `Invalid binding address: ${text}` }
    if (number > 65_535) return { mustBe: EXAMPLE, original: `Invalid port number: ${text}` }
    return { value: { host, port: number, ...(tls && { tls }) } }
  },
  print: (value) => addressUrl(value).replace('http://', ''),
})

// What the kernel has room for, the end of the text included (unix(7): 108; macOS: 104).
const MAX_SOCKET_PATH_BYTES = 103

function socketOf(path: string, text: string): Readable<Address> | Unreadable {
  const original = `Invalid binding address: ${text}`
  if (!isAbsolute(path))
    return { mustBe: 'unix: with an absolute path, such as unix:/run/marina.sock', original }
  const value = { path: resolve(path) }
  return Buffer.byteLength(value.path) <= MAX_SOCKET_PATH_BYTES
    ? { value }
    : { mustBe: `unix: with a path of at most ${MAX_SOCKET_PATH_BYTES} bytes`, original }
}

const NO_GRPC = 'gRPC is not served yet.'

/** Rows of the table. */
export const addressRows = {
  inferenceAddress: row({
    key: 'inference_address',
    flag: 'inference-address',
    portFlag: 'inference-port',
    kind: address({ http: 80, https: 443 }),
    defaults: loopback(8080),
    description: 'Where predictions, /ping and the page are answered.',
  }),
  managementAddress: row({
    key: 'management_address',
    flag: 'management-address',
    portFlag: 'management-port',
    kind: address({ http: 8081, https: 8444 }),
    defaults: loopback(8081),
    description: 'Where models are registered, described and scaled; may equal the inference address.',
  }),
  metricsAddress: row({
    key: 'metrics_address',
    flag: 'metrics-address',
    portFlag: 'metrics-port',
    kind: address({ http: 8082, https: 8445 }),
    defaults: loopback(8082),
    description: 'Where Prometheus scrapes /metrics; may equal another address.',
  }),
  grpcInferenceHost: row({
    key: 'grpc_inference_address',
    kind: word('HOST'),
    defaults: both('127.0.0.1'),
    unused: NO_GRPC,
    description: 'Host of the gRPC inference service.',
  }),
  grpcManagementHost: row({
    key: 'grpc_management_address',
    kind: word('HOST'),
    defaults: both('127.0.0.1'),
    unused: NO_GRPC,
    description: 'Host of the gRPC management service.',
  }),
  grpcInferencePort: row({
    key: 'grpc_inference_port',
    kind: port,
    defaults: both(7070),
    unused: NO_GRPC,
    description: 'Port of the gRPC inference service.',
  }),
  grpcManagementPort: row({
    key: 'grpc_management_port',
    kind: port,
    defaults: both(7071),
    unused: NO_GRPC,
    description: 'Port of the gRPC management service.',
  }),
  grpcInferenceMaxAgeMs: connectionAge('grpc_inference_max_connection_age_ms'),
  grpcManagementMaxAgeMs: connectionAge('grpc_management_max_connection_age_ms'),
  grpcInferenceMaxAgeGraceMs: connectionAge('grpc_inference_max_connection_age_grace_ms'),
  grpcManagementMaxAgeGraceMs: connectionAge('grpc_management_max_connection_age_grace_ms'),
  grpcTls: row({
    key: 'enable_grpc_ssl',
    kind: boolean,
    defaults: both(false),
    unused: NO_GRPC,
    description: 'Serve gRPC over TLS with certificate_file and private_key_file.',
  }),
}

function connectionAge(key: string) {
  const grace = key.includes('grace')
  return row({
    key,
    kind: unboundedMilliseconds,
    defaults: both(undefined),
    unused: NO_GRPC,
    description: grace
      ? 'Milliseconds that calls have to end after the greatest age of their connection; empty: no bound.'
      : 'Greatest age of a gRPC connection in milliseconds; empty: no bound.',
  })
}
