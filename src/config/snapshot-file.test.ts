/** The file of a snapshot: what is written is read again as it was. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { explainConfig, loadConfig } from './load.js'
import { parseProperties, type PropertiesFile } from './properties.js'
import { effectiveProperties, snapshotFileText, type Property } from './snapshot-file.js'
import type { Snapshot } from './snapshot.js'

const date = new Date('2026-11-25T10:00:00Z')
const none: Snapshot = { name: 'x', createdMs: 1, models: new Map() }
const written = (properties: readonly Property[], snapshot = none) =>
  snapshotFileText(properties, { snapshot, date })
const read = (text: string) => parseProperties(Buffer.from(text), 'logs/config/1-startup.cfg')

test('any keys and values are read again by the rules of Java', () => {
  const keys = fc.string({ unit: 'binary', minLength: 1 })
  fc.assert(
    fc.property(fc.array(fc.tuple(keys, fc.string({ unit: 'binary' }))), (properties) => {
      const entries = read(written(properties)).entries.slice(0, -1)
      expect(entries.map(({ key, value }) => [key, value])).toEqual(properties)
    }),
  )
})

test('the snapshot of the models is one line with Java’s escapes, below the comment that the original writes', () => {
  const lines = written([['a', 'b']]).split('\n')
  expect(lines[0]).toBe('#Saving snapshot')
  expect(lines.slice(2)).toEqual([
    'a=b',
    'model_snapshot={\\n  "name"\\: "x",\\n  "modelCount"\\: 0,\\n  "created"\\: 1,\\n  "models"\\: {}\\n}',
    '',
  ])
})

const sources = (file: PropertiesFile | undefined, flags: readonly Property[] = []) => ({
  profile: 'torchserve' as const,
  flags: new Map(flags),
  environment: {},
  models: [],
  file,
})
const given = Buffer.from(
  'number_of_netty_threads=32\nenable_model_api=false\nNUM_WORKERS=1\ninference_address=http://0.0.0.0:8085\n' +
    'default_response_timeout=7\nblacklist_env_vars=SECRET.*\nkeystore_pass=a:b=c\nallowed_urls=https://a/.*,file://.*\n',
)

test.each<[string, PropertiesFile | undefined]>([
  ['the defaults', undefined],
  ['a file', parseProperties(given, 'config.properties')],
])(
  'a server that begins from the snapshot of %s has all its settings again, those of flags too',
  (_, file) => {
    const config = loadConfig(
      sources(file, [
        ['model-api', 'true'],
        ['tokens', 'false'],
        ['model-store', '/store'],
      ]),
    )
    const again = explainConfig(sources(read(written(effectiveProperties(config, file)))))
    const plain = (value: object) => JSON.parse(JSON.stringify(value)) as object
    expect(plain(again.config)).toEqual(plain({ ...config, modelSnapshot: again.config.modelSnapshot }))
    expect(again.config).toMatchObject({ modelApi: true, tokens: false, modelStore: '/store' })
  },
)

test('what means nothing here is kept, and the file that was read is named', () => {
  const file = parseProperties(given, 'config.properties')
  const properties = new Map(effectiveProperties(loadConfig(sources(file)), file))
  expect([properties.get('NUM_WORKERS'), properties.get('tsConfigFile')]).toEqual(['1', 'config.properties'])
})
