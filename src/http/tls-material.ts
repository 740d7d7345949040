/** Key and certificate of `https://` addresses (contract security B2): a PKCS12 keystore, or two PEM files. */
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { isTls, type Config } from '../config/config.js'
import { messageOf, misuse } from '../errors.js'

/** The settings that say where key and certificate are. */
export type TlsSettings = Pick<
  Config,
  | 'inferenceAddress'
  | 'managementAddress'
  | 'metricsAddress'
  | 'keystore'
  | 'keystorePassword'
  | 'privateKeyFile'
  | 'certificateFile'
>

/**
 * What TLS on the addresses needs; undefined where none of them is `https://`. Rejects with `misuse`, naming key and
 * file, when something is missing, cannot be read, or does not belong together.
 */
export async function readTlsMaterial(settings: TlsSettings): Promise<SecureContext | undefined> {
  const { inferenceAddress, managementAddress, metricsAddress } = settings
  if (![inferenceAddress, managementAddress, metricsAddress].some(isTls)) return undefined
  const { options, named } = settings.keystore
    ? await keystoreOf(settings.keystore, settings.keystorePassword)
    : await pemPairOf(settings)
  try {
    return createSecureContext({ ...options, minVersion: 'TLSv1.2', honorCipherOrder: true })
  } catch (cause) {
    throw misuse(`${named} cannot be used for https:// addresses: ${reasonOf(cause)}.`)
  }
}

interface Material {
  readonly options: SecureContextOptions
  /** Where it comes from, as the subject of a sentence. */
  readonly named: string
}

// The first bytes of Java's own form of keystores, whatever `keystore_type` says.
const JKS_MAGIC = 0xfeedfeed

async function keystoreOf(path: string, passphrase: string): Promise<Material> {
  const pfx = await readNamed('keystore', path)
  if (pfx.length >= 4 && pfx.readUInt32BE(0) === JKS_MAGIC) {
    throw misuse(
      `keystore ${path} is a JKS keystore, which cannot be read here. Convert it: keytool -importkeystore ` +
        `-srckeystore ${path} -destkeystore keystore.p12 -deststoretype PKCS12`,
    )
  }
  return { options: { pfx, passphrase }, named: `keystore ${path}` }
}

async function pemPairOf({ privateKeyFile, certificateFile }: TlsSettings): Promise<Material> {
  if (privateKeyFile === undefined || certificateFile === undefined) {
    throw misuse(
      'An https:// address needs a key: set private_key_file and certificate_file (PEM), or keystore and ' +
        'keystore_pass (PKCS12).',
    )
  }
  const key = await readNamed('private_key_file', privateKeyFile)
  const cert = await readNamed('certificate_file', certificateFile)
  const named = `private_key_file ${privateKeyFile} with certificate_file ${certificateFile}`
  return { options: { key, cert }, named }
}

async function readNamed(key: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw misuse(`${key} ${path} cannot be read: ${messageOf(cause)}.`)
  }
}

/** OpenSSL's reasons, in words that say what to do where it happens often. */
function reasonOf(cause: unknown): string {
  const text = messageOf(cause)
  if (/mac verify failure/i.test(text)) return 'keystore_pass is not its password'
  if (/key values mismatch/i.test(text)) return 'the key does not belong to the certificate'
  if (/bad password read|interrupted or cancelled/i.test(text)) return 'the key is encrypted; give it plain'
  if (/unsupported/i.test(text)) return `its encryption is too old for OpenSSL 3; make it anew (${text})`
  return text
}
