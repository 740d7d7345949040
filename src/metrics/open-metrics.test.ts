/** A server's metrics from its settings: files that are wrong, and who measures the host (contract metrics §2, §11). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { manualClock } from '../clock.js'
import { memoryLogger, type LogRecord } from '../log.js'
import { openMetrics, type MetricsSettings } from './open-metrics.js'

const folder = mkdtempSync(join(tmpdir(), 'marina-metrics-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function open(settings: Partial<MetricsSettings> = {}) {
  const records: LogRecord[] = []
  const commands: (readonly string[])[] = []
  const opened = await openMetrics(
    {
      ...{
        profile: 'torchserve',
        metricsMode: 'prometheus',
        metricsConfig: undefined,
        detectModelMetrics: false,
      },
      ...{
        extendedMetrics: false,
        systemMetrics: true,
        systemMetricsCommand: [],
        systemMetricsEveryMs: 1000,
      },
      ...settings,
    },
    {
      log: memoryLogger(records),
      clock: manualClock(),
      gauges: () => [],
      hasGpus: false,
      runCommand: (args, { complain }) => {
        commands.push(args)
        complain('no fans')
        return Promise.resolve([{ name: 'DiskUsage', value: 77, labels: ['Host'] }])
      },
    },
  )
  const errors = () => records.filter(({ level }) => level === 'error').map(({ message }) => message)
  const families = () =>
    [...opened.metrics.text(new Set()).matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name)
  return { ...opened, errors, families, commands }
}

function file(text: string): string {
  const path = join(folder, 'metrics.yaml')
  writeFileSync(path, text)
  return path
}

describe('a metrics file', () => {
  const missing = join(folder, 'none.yaml')

  test('that is not there costs its metrics under torchserve, and the start under marina serve', async () => {
    const { families, errors, metrics } = await open({ metricsConfig: missing })
    expect(families()).toEqual([])
    expect(errors()).toEqual([expect.stringMatching(/^Failed to load metrics configuration: .*none\.yaml/)])
    metrics.countStatus(200)
    await expect(open({ profile: 'marina', metricsConfig: missing })).rejects.toMatchObject({
      code: 'misuse',
    })
  })

  const two = (first: string, second: string) =>
    file(
      `ts_metrics:\n  counter:\n    - {name: ${first}, unit: u, dimensions: [Hostname]}\n` +
        `model_metrics:\n  gauge:\n    - {name: ${second}, unit: u, dimensions: []}\n`,
    )

  test.each([
    ['the same name twice', 'Twice', 'Twice', ['Twice'], 'there is another of this name'],
    ['a name that Prometheus has not', 'ok', '9-lives', ['ok'], 'its name is not a Prometheus name'],
  ])(
    'with %s loses the second one where Prometheus would not take it',
    async (_, first, second, left, why) => {
      const { families, errors } = await open({ metricsConfig: two(first, second) })
      expect(families()).toEqual(left)
      expect(errors()).toEqual([
        expect.stringContaining(`the metric "${second}" is left out: ${why}`) as string,
      ])
      expect((await open({ metricsMode: 'log', metricsConfig: two(first, second) })).errors()).toEqual([])
    },
  )
})

describe('the host', () => {
  const ofHost = async (settings: Partial<MetricsSettings>) => {
    const opened = await open(settings)
    const end = opened.watch()
    const value = () => /^DiskUsage\{.*\} (.*)$/m.exec(opened.metrics.text(new Set()))?.[1]
    return { ...opened, end, value }
  }

  test('is measured by the command that the operator names, whose complaints are logged', async () => {
    const { value, end, commands, errors } = await ofHost({ systemMetricsCommand: ['fans.py', '--all'] })
    await expect.poll(value).toBe('77.0')
    end()
    expect(commands).toEqual([['fans.py', '--all']])
    expect(errors()).toEqual(['The command that measures the host says: no fans'])
  })

  test.each([
    ['names none', []],
    ['names the original’s, which is not here', ['ts/metrics/metric_collector.py', '--gpu', '0']],
  ])('is measured by the built-in meter where the operator %s', async (_, systemMetricsCommand) => {
    const { value, end, commands } = await ofHost({ systemMetricsCommand })
    await expect.poll(value).toBeDefined()
    end()
    expect(value()).not.toBe('77.0')
    expect(commands).toEqual([])
  })

  test('is not measured where that is switched off', async () => {
    const { end, commands } = await ofHost({ systemMetrics: false, systemMetricsCommand: ['fans.py'] })
    end()
    expect(commands).toEqual([])
  })
})
