/** The parser of TorchServe's commands: a port of Python's argparse that returns what Python would print as it ends. */
import { ArgumentParser, type ArgumentParserOptions } from 'argparse'

/** Help, or a command line that cannot be used: what is to be printed, and the exit code. */
export interface ParserEnd {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Thrown in place of ending the process. */
class Ended extends Error {
  readonly end: ParserEnd

  constructor(end: ParserEnd) {
    super('the command line is settled')
    this.end = end
  }
}

/** A parser that is to parse within {@link parsedOrEnd}. */
export class PythonParser extends ArgumentParser {
  readonly #program: string

  /** `prog` is the command's name in usage and errors. */
  constructor(options: ArgumentParserOptions & { readonly prog: string }) {
    super(options)
    this.#program = options.prog
  }

  override print_help(): never {
    throw new Ended({ exitCode: 0, stdout: this.format_help(), stderr: '' })
  }

  override error(message: string): never {
    const stderr = `${this.format_usage()}${this.#program}: error: ${message}\n`
    throw new Ended({ exitCode: 2, stdout: '', stderr })
  }
}

/** What `parse` returns, or the end to which its {@link PythonParser} came. */
export function parsedOrEnd<T>(parse: () => T): T | ParserEnd {
  try {
    return parse()
  } catch (error) {
    if (error instanceof Ended) return error.end
    throw error
  }
}
