/** `marina config explain`: the value of every setting, its unit, and where it comes from. */
import { Option, type Command } from 'commander'
import { settingGroups, type SettingText } from '../config/document.js'
import { explainConfig, type Explained } from '../config/load.js'
import { printOrigin } from '../config/origin.js'
import type { Profile } from '../config/setting.js'
import { listModelStore, readSettingsFile } from '../config/source.js'
import { rowOf } from '../config/table.js'
import { addSettings, givenSettings } from './settings-options.js'
import { styleFor } from './terminal.js'

interface ExplainOptions {
  readonly profile: Profile
  readonly tsConfig?: string
  readonly ncs: boolean
  readonly json: boolean
}

/** Defines the command. */
export function define(command: Command): void {
  const explain = command
    .command('explain')
    .description('Prints each setting that a server started here would have, its unit and its origin.')
    .option('--json', 'Print one JSON object.', false)
    .addOption(
      new Option('--profile <profile>', 'Whose habits count.')
        .choices(['marina', 'torchserve'])
        .default('marina'),
    )
    .option(
      '--ts-config <file>',
      'config.properties to read; without it that of the current folder, if there.',
    )
    .option('--ncs', 'Under torchserve: do not begin from a snapshot.', false)
    .exitOverride()
  addSettings(explain)
  explain
    .addHelpText(
      'after',
      `
Examples:
  marina config explain
  marina config explain --profile torchserve --ts-config config.properties
  marina config explain --json --workers 2`,
    )
    .action((options: ExplainOptions) => print(options, explain))
}

function print(options: ExplainOptions, command: Command): void {
  const { env: environment } = process
  const snapshots = options.profile === 'torchserve' && !options.ncs
  const explained = explainConfig({
    profile: options.profile,
    flags: givenSettings(command),
    environment,
    models: [],
    file: readSettingsFile({ environment, flag: options.tsConfig, snapshots }),
    listStore: listModelStore,
  })
  process.stdout.write(options.json ? explanationJson(explained) : explanationText(explained))
}

/** One setting with its value. */
interface Explanation {
  readonly key: string
  /** As it would be written in a file; undefined: a secret. */
  readonly value: string | undefined
  readonly unit: string
  readonly origin: string
}

function explanationOf({ name, key, unit }: SettingText, { config, origins }: Explained): Explanation {
  const { kind, secret } = rowOf(name)
  return {
    key,
    value: secret ? undefined : kind.print(config[name]),
    unit,
    origin: printOrigin(origins[name]),
  }
}

/** `{"profile": …, "settings": [{"key", "value", "unit", "origin"}], "warnings": […]}`; the value of a secret is null. */
export function explanationJson(explained: Explained): string {
  const settings = settingGroups().flatMap(({ texts }) =>
    texts.map((text) => {
      const { value, ...rest } = explanationOf(text, explained)
      return { ...rest, value: value ?? null }
    }),
  )
  const { config, warnings } = explained
  return `${JSON.stringify({ profile: config.profile, settings, warnings }, undefined, 2)}\n`
}

/** A table under the headings of the settings; what is not a default stands out. */
export function explanationText(explained: Explained): string {
  const style = styleFor(process.stdout)
  const groups = settingGroups().map(({ heading, texts }) => ({
    heading,
    rows: texts.map((text) => explanationOf(text, explained)),
  }))
  const all = groups.flatMap(({ rows }) => rows)
  const width = (texts: readonly string[]) => Math.max(...texts.map((text) => text.length))
  const keys = width(all.map(({ key }) => key))
  // A long value, such as JSON, moves only its own line.
  const values = Math.min(40, width(all.map(valueText)))
  const line = (row: Explanation) => {
    const text = `  ${row.key.padEnd(keys)}  ${valueText(row).padEnd(values)}  ${row.origin}`
    return row.origin === 'default' ? style.dim(text) : text
  }
  const sections = groups.map(({ heading, rows }) => [style.bold(heading), ...rows.map(line)].join('\n'))
  const warnings = explained.warnings.map((warning) => style.red(`warning: ${warning}`))
  return `${[...sections, ...(warnings.length > 0 ? [warnings.join('\n')] : [])].join('\n\n')}\n`
}

const valueText = ({ value, unit }: Explanation): string =>
  value === undefined ? '(secret)' : value === '' ? '-' : unit === '' ? value : `${value} ${unit}`
