/** Certificates for tests of TLS, made by `openssl` when they are needed. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Files of one key with its self-signed certificate for `localhost` and 127.0.0.1. */
export interface TestCertificate {
  readonly keyFile: string
  readonly certificateFile: string
  /** PKCS12, with the password `changeit`. */
  readonly keystore: string
  /** The certificate itself: what a client has to trust. */
  readonly pem: string
}

const openssl = (...words: string[]): void => void execFileSync('openssl', words, { stdio: 'pipe' })

/** Makes them in `dir` under `name`. */
export function makeCertificate(dir: string, name: string): TestCertificate {
  const [keyFile, certificateFile, keystore] = ['key.pem', 'certs.pem', 'p12'].map((end) =>
    join(dir, `${name}-${end}`),
  ) as [string, string, string]
  openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', keyFile, '-out', certificateFile],
  )
  openssl(
    ...['pkcs12', '-export', '-inkey', keyFile, '-in', certificateFile, '-out', keystore],
    ...['-passout', 'pass:changeit'],
  )
  return { keyFile, certificateFile, keystore, pem: readFileSync(certificateFile, 'utf8') }
}
