/** What of a log4j2.xml is honoured, and what is said of the rest (contract server-config §13.1). */
import { describe, expect, test } from 'vitest'
import { compileLayout, type LogEvent } from './layout.js'
import { defaultPlan } from './plan.js'
import { readLog4j } from './read-log4j.js'
import { appendersOf } from './router.js'

const read = (text: string, environment: NodeJS.ProcessEnv = {}) =>
  readLog4j(text, { path: 'log4j2.xml', environment })

const rolling = (name: string, folder: string, pattern: string) => `
  <RollingFile name="${name}" fileName="\${env:${folder}:-logs}/${name}.log"
      filePattern="\${env:${folder}:-logs}/${name}.%d{dd-MMM}.log.gz">
    <PatternLayout pattern="${pattern}"/>
    <Policies><SizeBasedTriggeringPolicy size="100 MB"/><TimeBasedTriggeringPolicy/></Policies>
    <DefaultRolloverStrategy max="5"/>
  </RollingFile>`
const FULL = '%d{ISO8601} [%-5p] %t %c - %m%n'
const logger = (name: string, level: string, ref: string) =>
  `<Logger name="${name}" level="${level}"><AppenderRef ref="${ref}"/></Logger>`

test('a file like the original’s own is the default plan', () => {
  const { plan, warnings } = read(
    `<?xml version="1.0" encoding="UTF-8"?>
    <Configuration>
      <Appenders>
        <Console name="STDOUT" target="SYSTEM_OUT"><PatternLayout pattern="${FULL}"/></Console>
        ${rolling('ts_log', 'LOG_LOCATION', FULL)}
        ${rolling('access_log', 'LOG_LOCATION', '%d{ISO8601} - %m%n')}
        ${rolling('model_log', 'LOG_LOCATION', FULL)}
        ${rolling('ts_metrics', 'METRICS_LOCATION', '%d{ISO8601} - %m%n')}
        ${rolling('model_metrics', 'METRICS_LOCATION', '%d{ISO8601} - %m%n')}
      </Appenders>
      <Loggers>
        ${logger('org.pytorch.serve', 'debug', 'ts_log')}
        ${logger('ACCESS_LOG', 'info', 'access_log')}
        ${logger('MODEL_LOG', 'all', 'model_log')}
        ${logger('TS_METRICS', 'all', 'ts_metrics')}
        ${logger('MODEL_METRICS', 'ALL', 'model_metrics')}
        <Root level="info"><AppenderRef ref="STDOUT"/><AppenderRef ref="ts_log"/></Root>
      </Loggers>
    </Configuration>`,
    { METRICS_LOCATION: '/var/m' },
  )
  expect(warnings).toEqual([])
  expect(plan).toEqual(defaultPlan({ logs: 'logs', metrics: '/var/m' }))
})

describe('what is not known here is named with its line', () => {
  const wrapped = (appenders: string, loggers = '') =>
    `<Configuration>\n<Appenders>\n${appenders}\n</Appenders>\n<Loggers>\n${loggers}\n</Loggers>\n</Configuration>`
  test.each([
    [wrapped('<Socket name="S" host="h"/>'), /^log4j2\.xml:3: <Socket> is no appender that is known here/],
    [wrapped('<Console name="C"><Filters/></Console>'), /^log4j2\.xml:3: <Filters> is not read/],
    [
      wrapped('<Console name="C"><PatternLayout pattern="%highlight{%m}"/></Console>'),
      /:3: <PatternLayout> asks for %highlight/,
    ],
    [
      wrapped('<Console name="C"><PatternLayout pattern="%d{QQQ}"/></Console>'),
      /:3: <PatternLayout> asks for %d\{QQQ\}/,
    ],
    [wrapped('<File name="F"/>'), /:3: <File> has no fileName/],
    [
      wrapped('<File name="F" fileName="${jndi:ldap://x}"/>'),
      /:3: <File> has \$\{jndi:ldap:\/\/x\}, which is not known/,
    ],
    [wrapped('', '<Logger name="a" level="loud"/>'), /:6: <Logger> has the level "loud", which is none/],
    [
      wrapped('', '<Root level="info"><AppenderRef ref="x" level="warn"/></Root>'),
      /:6: <AppenderRef> has a level/,
    ],
    ['<Configuration><Scripts/></Configuration>', /:1: <Scripts> is not read/],
  ])('%s', (text, warning) => {
    expect(read(text).warnings).toEqual([expect.stringMatching(warning)])
  })

  test.each([
    '<Configuration>',
    'no xml',
    '',
    '<a>&secret;</a>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<a>'.repeat(1000),
  ])('%j is refused', (text) => {
    expect(() => read(text)).toThrow(/log4j2\.xml/)
  })
})

test('levels are inherited by name, and a logger that is not additive keeps its records to itself', () => {
  const { plan } = read(`<Configuration>
    <Properties><Property name="dir">/x/\${env:WHERE:-y}</Property></Properties>
    <Appenders><File name="F" fileName="\${dir}/f.log"/><Async name="A"><AppenderRef ref="F"/></Async></Appenders>
    <Loggers>
      <AsyncLogger name="org.pytorch" level="WARN"/>
      <Logger name="ACCESS_LOG" level="off" additivity="false"/>
      <Logger name="MODEL_LOG" additivity="false"><AppenderRef ref="F"/></Logger>
      <Root level="error"><AppenderRef ref="A"/></Root>
    </Loggers></Configuration>`)
  const of = (name: string) => {
    const { threshold, appenders } = appendersOf(name, plan)
    return [threshold, ...appenders]
  }
  expect(of('org.pytorch.serve.ModelServer')).toEqual(['warn', 'F'])
  expect(of('org.pytorchlike')).toEqual(['error', 'F'])
  expect(of('ACCESS_LOG')).toEqual(['off'])
  expect(of('MODEL_LOG')).toEqual(['error', 'F'])
  expect(plan.appenders.get('F')).toMatchObject({ path: '/x/y/f.log', roll: undefined })
})

describe('a pattern', () => {
  const event: LogEvent = {
    epochMs: new Date(2024, 4, 30, 21, 46, 3, 25).getTime(),
    level: 'warn',
    thread: 'main',
    logger: 'org.pytorch.serve.ModelServer',
    message: 'text',
    fields: { id: 'r', n: 1 },
    withFacts: false,
  }
  test.each([
    [
      '%d{ISO8601} [%-5p] %t %c - %m%n',
      '2024-05-30T21:46:03,025 [WARN ] main org.pytorch.serve.ModelServer - text\n',
    ],
    ['%d %level', '2024-05-30 21:46:03,025 WARN'],
    ['%d{HH:mm:ss.SSS}|%d{yy/MM/dd}', '21:46:03.025|24/05/30'],
    ['%date{ABSOLUTE}', '21:46:03,025'],
    ['%c{1} %logger{2}', 'ModelServer serve.ModelServer'],
    ['[%7p][%.2p][%3.3t]', '[   WARN][RN][ain]'],
    ['%X{id}-%X{n}-%X{none}-%%-%msg', 'r-1--%-text'],
    ['%mx', 'textx'],
    ['plain', 'plain'],
  ])('%s', (pattern, line) => {
    expect(compileLayout({ kind: 'pattern', pattern })).toMatchObject({ unknown: [] })
    expect(compileLayout({ kind: 'pattern', pattern }).layout(event)).toBe(line)
  })

  test.each([
    [5, '5 05 005 0005'],
    [45, '45 45 045 0045'],
    [123, '123 123 123 0123'],
  ])('pads %i milliseconds to its letters and cuts nothing, as log4j 2 does', (ms, text) => {
    const { layout } = compileLayout({ kind: 'pattern', pattern: '%d{S} %d{SS} %d{SSS SSSS}' })
    expect(layout({ ...event, epochMs: event.epochMs - 25 + ms })).toBe(text)
  })

  test('without milliseconds follows the seconds', () => {
    const { layout } = compileLayout({ kind: 'pattern', pattern: '%d{HH:mm:ss}\\n' })
    expect([0, 1000, 57_000].map((ms) => layout({ ...event, epochMs: event.epochMs + ms }))).toEqual([
      '21:46:03\n',
      '21:46:04\n',
      '21:47:00\n',
    ])
  })

  test('keeps its milliseconds when the second is the same', () => {
    const { layout } = compileLayout({ kind: 'pattern', pattern: '%d{ss.SSS}' })
    expect([0, 7, 975].map((ms) => layout({ ...event, epochMs: event.epochMs - 25 + ms }))).toEqual([
      '03.000',
      '03.007',
      '03.975',
    ])
  })
})
