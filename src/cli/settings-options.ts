/** The flags of the one table of settings, on a command. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { settingGroups, type SettingText } from '../config/document.js'
import { rowOf, settingNames } from '../config/table.js'

/** Adds every setting's flag to a command, with its default under `marina serve`, below the table's headings. */
export function addSettings(command: Command): void {
  for (const { heading, texts } of settingGroups())
    for (const text of texts)
      for (const option of optionsOf(text)) command.addOption(option.helpGroup(`${heading}:`))
}

function optionsOf({
  name,
  flag,
  portFlag,
  isSwitch,
  description,
  defaults,
  unit,
  unused,
}: SettingText): Option[] {
  if (flag === undefined) return []
  const value = isSwitch ? (flag.startsWith('--no-') ? 'on' : 'off') : defaults.marina
  const shown = value && ` (default: ${value}${unit && ` ${unit}`})`
  const option = new Option(bracketed(flag), description + shown)
  const port =
    portFlag === undefined
      ? []
      : [new Option(bracketed(portFlag), `The port of --${rowOf(name).flag} alone; 0 takes a free one.`)]
  // Both ways of a switch are understood, the one that changes something is shown.
  const opposite = isSwitch ? [new Option(oppositeOf(flag)).hideHelp()] : []
  return [unused === undefined ? option : option.hideHelp(), ...opposite, ...port]
}

/** `--workers N` as commander writes it: `--workers <N>`. */
const bracketed = (flag: string): string => flag.replace(/ (.+)$/, ' <$1>')

const oppositeOf = (flag: string): string =>
  flag.startsWith('--no-') ? `--${flag.slice(5)}` : `--no-${flag.slice(2)}`

/** What was given on the command line, by flag name without dashes. */
export function givenSettings(command: Command): ReadonlyMap<string, string> {
  const given = new Map<string, string>()
  for (const name of settingNames) {
    const { flag, portFlag } = rowOf(name)
    for (const known of [flag, portFlag]) {
      const key = known?.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()) ?? ''
      if (known !== undefined && command.getOptionValueSource(key) === 'cli')
        given.set(known, String(command.getOptionValue(key)))
    }
  }
  return given
}

/** A port on a command line: a whole number from 0 to 65,533. @throws commander's error for any other */
export function portOf(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_533) return port
  throw new InvalidArgumentError('A port is a whole number from 0 to 65533.')
}
