/** A file that handlers wait for, so that a test decides when their work ends; and what they have seen until then. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A gate in a test's folder, closed at first. */
export class Gate {
  readonly #open: string
  readonly #seen: string

  constructor(folder: string, name: string) {
    this.#open = join(folder, `${name}.open`)
    this.#seen = join(folder, `${name}.seen`)
  }

  open(): void {
    writeFileSync(this.#open, '')
  }

  /** Bodies of the requests that handlers have been given, in order. */
  seen(): string[] {
    return existsSync(this.#seen) ? readFileSync(this.#seen, 'utf8').trimEnd().split('\n') : []
  }

  /** Source of a handler's module that has `await pass()`, `note(jobs)`, `seen()` and `text(job)`. */
  get javascript(): string {
    return `import { appendFileSync, existsSync, readFileSync } from 'node:fs'
const pass = async () => {
  while (!existsSync(${JSON.stringify(this.#open)})) await new Promise((resolve) => setTimeout(resolve, 10))
}
const text = (job) => Buffer.from(job.input.parts[0].data).toString()
const seen = () => existsSync(${JSON.stringify(this.#seen)}) ? readFileSync(${JSON.stringify(this.#seen)}, 'utf8').split('\\n') : []
const note = (jobs) => jobs.forEach((job) => appendFileSync(${JSON.stringify(this.#seen)}, text(job) + '\\n'))
`
  }

  /** The same in Python: `wait()`, `note(data)`, `seen()` and `text(row)`. */
  get python(): string {
    return `import os, time
def wait():
    while not os.path.exists(${JSON.stringify(this.#open)}): time.sleep(0.01)
def text(row):
    body = row["body"]
    return body if isinstance(body, str) else bytes(body).decode()
def seen():
    return open(${JSON.stringify(this.#seen)}).read().split("\\n") if os.path.exists(${JSON.stringify(this.#seen)}) else []
def note(data):
    with open(${JSON.stringify(this.#seen)}, "a") as file:
        for row in data: file.write(text(row) + "\\n")
`
  }
}
