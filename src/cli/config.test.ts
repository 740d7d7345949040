/** `marina config explain`. */
import { expect, test } from 'vitest'
import { explainConfig } from '../config/load.js'
import { parseProperties } from '../config/properties.js'
import { settingNames } from '../config/table.js'
import { explanationJson, explanationText } from './config.js'

const explained = explainConfig({
  profile: 'torchserve',
  flags: new Map([['workers', '2']]),
  environment: { MARINA_DRAIN_TIMEOUT: '7' },
  models: [],
  file: parseProperties(Buffer.from('\njob_queue_size=5\nkeystore_pass=hush\ntypo=1'), 'config.properties'),
})

test('every setting has a line with its value, its unit and its origin', () => {
  const text = explanationText(explained)
  expect(text).toMatch(/^ {2}job_queue_size +5 +config\.properties:2$/m)
  expect(text).toMatch(/^ {2}default_workers_per_model +2 +--workers$/m)
  expect(text).toMatch(/^ {2}drain_timeout +7 s +MARINA_DRAIN_TIMEOUT$/m)
  expect(text).toMatch(/^ {2}max_request_size +6553500 bytes +default$/m)
  expect(text.match(/^ {2}\S/gm)).toHaveLength(settingNames.length)
  expect(text).toContain('warning: config.properties:4: the key "typo" is unknown')
})

test('as JSON it is whole, and a secret is null in it', () => {
  const { profile, settings, warnings } = JSON.parse(explanationJson(explained)) as {
    profile: string
    settings: { key: string }[]
    warnings: string[]
  }
  expect(profile).toBe('torchserve')
  expect(settings).toHaveLength(settingNames.length)
  expect(settings).toContainEqual({
    key: 'job_queue_size',
    value: '5',
    unit: '',
    origin: 'config.properties:2',
  })
  expect(settings).toContainEqual({
    key: 'keystore_pass',
    value: null,
    unit: '',
    origin: 'config.properties:3',
  })
  expect(warnings.length).toBeGreaterThan(0)
  expect(explanationText(explained) + explanationJson(explained)).not.toContain('hush')
})
