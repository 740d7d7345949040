/** Runs a command line: parses it, calls the command, and turns what goes wrong into one line and an exit code. */
import { Command, CommanderError } from 'commander'
import { MarinaError, messageOf } from '../errors.js'
import { commands } from './commands.js'
import { EXIT } from './exit.js'
import { styleFor } from './terminal.js'
import { packageVersion } from './version.js'

/** Runs `marina` with the words after its name; resolves with the exit code. Never rejects. */
export function runMarina(words: readonly string[]): Promise<number> {
  return reporting(async () => {
    const program = await marinaProgram(words[0])
    await program.parseAsync([...words], { from: 'user' })
  })
}

/** Runs `action` and reports its error on stderr: the one place where the commands' errors are printed. */
export async function reporting(action: () => Promise<void>): Promise<number> {
  process.stdout.on('error', ignoreClosedPipe)
  try {
    await action()
    // A command whose answer is no, such as `diff --exit-code`, sets it; that is no error to report.
    return Number(process.exitCode ?? EXIT.done)
  } catch (error) {
    // Commander has printed its own text already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.misused
    const { red } = styleFor(process.stderr)
    process.stderr.write(`${red('error')}: ${describeError(error)}\n`)
    return error instanceof MarinaError && error.code === 'misuse' ? EXIT.misused : EXIT.failed
  }
}

/** Whoever reads the output may stop reading, as `| head` does; a server goes on then. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

/** A MarinaError's text says what to do; of anything else the stack is needed. */
function describeError(error: unknown): string {
  if (error instanceof MarinaError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
}

async function marinaProgram(called: string | undefined): Promise<Command> {
  const program = baseProgram('marina')
    .description('Packs, serves and keeps training models: the successor of TorchServe.')
    .usage('COMMAND [options]')
    // What comes after a command's name is the command's own: `marina archive --version 1.0`.
    .enablePositionalOptions()
    .addHelpText('after', `\nExamples:\n${commands.map((row) => `  ${row.example}`).join('\n')}\n`)
    .addHelpText('after', 'Each command has its own help: marina COMMAND --help')
  for (const row of commands) {
    const command = program.command(row.name).summary(row.summary).description(row.summary).exitOverride()
    // Only the command that was called is loaded, so that every command starts fast.
    if (row.name === called) (await row.load()).define(command)
  }
  return program
}

/** A program that throws instead of exiting, and points to help. */
export function baseProgram(name: string): Command {
  return new Command(name)
    .version(packageVersion(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .exitOverride()
    .showHelpAfterError(`Run ${name} --help to see what there is.`)
}
