import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificate, type TestCertificate } from '../../test/support/certificates.js'
import { defaultConfig } from '../config/load.js'
import { readTlsMaterial, type TlsSettings } from './tls-material.js'

let dir = ''
let one: TestCertificate
let other: TestCertificate
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'marina-tls-'))
  one = makeCertificate(dir, 'one')
  other = makeCertificate(dir, 'other')
  writeFileSync(join(dir, 'text'), 'neither key nor certificate')
  writeFileSync(join(dir, 'jks'), Buffer.from('feedfeed00000002', 'hex'))
})
afterAll(() => rmSync(dir, { recursive: true }))

const https = { host: '127.0.0.1', port: 0, tls: true }
const read = (settings: Partial<TlsSettings>) =>
  readTlsMaterial({ ...defaultConfig('torchserve'), inferenceAddress: https, ...settings })

test('nothing is read where no address is https', async () => {
  const nowhere = { ...defaultConfig('torchserve'), keystore: '/none', privateKeyFile: '/none' }
  expect(await readTlsMaterial(nowhere)).toBeUndefined()
})

test('a key with its certificate, or a keystore, is enough; the keystore comes first', async () => {
  const pair = { privateKeyFile: one.keyFile, certificateFile: one.certificateFile }
  expect(await read(pair)).toBeDefined()
  expect(await read({ keystore: one.keystore })).toBeDefined()
  expect(await read({ keystore: one.keystore, privateKeyFile: '/none' })).toBeDefined()
  expect(
    await read({ ...pair, inferenceAddress: { ...https, tls: false }, metricsAddress: https }),
  ).toBeDefined()
})

test.each<[string, () => Partial<TlsSettings>, RegExp]>([
  ['no key at all', () => ({}), /needs a key: set private_key_file and certificate_file/],
  ['a key without a certificate', () => ({ privateKeyFile: one.keyFile }), /needs a key/],
  [
    'a key that is not there',
    () => ({ privateKeyFile: '/none.pem', certificateFile: one.certificateFile }),
    /^private_key_file \/none\.pem cannot be read: ENOENT/,
  ],
  [
    'a certificate that is none',
    () => ({ privateKeyFile: one.keyFile, certificateFile: join(dir, 'text') }),
    /certificate_file .*text cannot be used for https:\/\/ addresses/,
  ],
  [
    'the key of another certificate',
    () => ({ privateKeyFile: other.keyFile, certificateFile: one.certificateFile }),
    /the key does not belong to the certificate/,
  ],
  ['a keystore that is not there', () => ({ keystore: '/none.p12' }), /^keystore \/none\.p12 cannot be read/],
  [
    'a wrong password',
    () => ({ keystore: one.keystore, keystorePassword: 'wrong' }),
    /keystore_pass is not its password/,
  ],
  ['a JKS keystore', () => ({ keystore: join(dir, 'jks') }), /Convert it: keytool -importkeystore/],
])('%s is refused in words that say what to do', async (_, settings, message) => {
  await expect(read(settings())).rejects.toMatchObject({
    code: 'misuse',
    message: expect.stringMatching(message) as string,
  })
})
