/** The table as text: `docs/config.md`, and the lines of help. */
import { groups, rowOf, torchserveVariableOf, variableOf, type SettingName } from './table.js'

/** One setting as text. */
export interface SettingText {
  readonly name: SettingName
  readonly key: string
  readonly variable: string
  /** TorchServe's variable, read where the file allows it; undefined: none. */
  readonly torchserveVariable: string | undefined
  /** `--inference-address HOST:PORT`, `--page`; undefined: it has none. */
  readonly flag: string | undefined
  /** `--inference-port N`, for addresses. */
  readonly portFlag: string | undefined
  /** A switch: on by default, it is turned off by `--no-…`. */
  readonly isSwitch: boolean
  /** `s`, `ms`, `bytes`, `min`; empty: none. */
  readonly unit: string
  /** Default under `marina serve` and under `torchserve`; empty: none. */
  readonly defaults: { readonly marina: string; readonly torchserve: string }
  /** `batchSize`, `batch_size`: how one model's file and its registration say it. */
  readonly perModel: readonly string[]
  readonly unused: string | undefined
  readonly description: string
}

/** Every setting as text, in the table's order, under its heading. */
export function settingGroups(): readonly {
  readonly heading: string
  readonly texts: readonly SettingText[]
}[] {
  return Object.entries(groups).map(([heading, rows]) => ({
    heading,
    // Every group is a part of the table.
    texts: (Object.keys(rows) as SettingName[]).map(textOf),
  }))
}

/** Every setting as text, in the table's order. */
export const settingTexts = (): readonly SettingText[] => settingGroups().flatMap(({ texts }) => texts)

function textOf(name: SettingName): SettingText {
  const row = rowOf(name)
  const { placeholder, unit = '' } = row.kind
  const { yaml, parameter } = row.perModel ?? {}
  return {
    name,
    key: row.key,
    variable: variableOf(name),
    torchserveVariable: torchserveVariableOf(name),
    flag: flagText(name),
    portFlag: row.portFlag === undefined ? undefined : `--${row.portFlag} N`,
    isSwitch: placeholder === undefined,
    unit,
    defaults: {
      marina: row.kind.print(row.defaults.marina),
      torchserve: row.kind.print(row.defaults.torchserve),
    },
    perModel: [yaml, parameter].filter((form) => form !== undefined),
    unused: row.unused,
    description: row.description,
  }
}

/** A switch shows the way that changes something. */
function flagText(name: SettingName): string | undefined {
  const { flag, kind, defaults } = rowOf(name)
  if (flag === undefined) return undefined
  if (kind.placeholder !== undefined) return `--${flag} ${kind.placeholder}`
  return defaults.marina === true ? `--no-${flag}` : `--${flag}`
}

const INTRODUCTION = `# Settings

This page is made from the table in \`src/config/\`; \`marina config explain\` prints the values of a server and where each
comes from.

A value is looked for in this order, and the first one counts:

| \`marina serve\` | \`torchserve\` |
| --- | --- |
| flag | TorchServe's variable (\`TS_…\`), when the file says \`enable_envvars_config=true\` |
| TorchServe's variable, when the file says \`enable_envvars_config=true\` | flag |
| \`MARINA_…\` variable | \`MARINA_…\` variable |
| the file | the file |
| default of \`marina serve\` | default of \`torchserve\` |

The file is the first of: the one that \`TS_CONFIG_FILE\` names; \`--ts-config FILE\`; under \`torchserve\` without \`--ncs\` the
newest snapshot in \`logs/config/\`; \`config.properties\` in the current folder. It has the syntax of Java's properties. A
value may hold \`$$NAME$$\`, which stands for the variable NAME.

\`TS_ALLOWED_URLS\` counts only when the file says \`use_env_allowed_urls=true\` too. \`TS_OPEN_INFERENCE_PROTOCOL\` and
\`TS_MODEL_SERVER_HOME\` are always read.

Under \`torchserve\` a switch in the file or in a variable that is not \`true\` is off, as in TorchServe, with a warning; under
\`marina serve\` it is refused. A key without a meaning here, or with an unknown name, is named in a warning.
`

/** The whole of `docs/config.md`. */
export function settingsMarkdown(): string {
  const sections = settingGroups().map(({ heading, texts }) => `## ${heading}\n\n${tableOf(texts)}\n`)
  return `${INTRODUCTION}\n${sections.join('\n')}`
}

function tableOf(texts: readonly SettingText[]): string {
  const lines = texts.map((text) => `| ${cellsOf(text).join(' | ')} |`)
  return [
    '| key | flag of `marina serve` | variables | unit | `marina serve` | `torchserve` | one model | meaning |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n')
}

function cellsOf(text: SettingText): string[] {
  const code = (value: string | undefined) => (value ? `\`${value}\`` : '')
  const meaning = text.description + (text.unused === undefined ? '' : ` *Changes nothing: ${text.unused}*`)
  const cells = [
    code(text.key),
    [text.flag, text.portFlag].filter(Boolean).map(code).join(' or '),
    [text.variable, text.torchserveVariable].filter(Boolean).map(code).join(', '),
    text.unit,
    code(text.defaults.marina),
    code(text.defaults.torchserve),
    text.perModel.map(code).join(', '),
    meaning,
  ]
  return cells.map((cell) => cell.replaceAll('|', '\\|'))
}
