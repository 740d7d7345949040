/** `marina init`: makes a project that runs. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { createProject, type CreatedProject } from './init-project.js'
import { styleFor } from './terminal.js'

interface InitFlags {
  readonly marina?: string
  readonly json: boolean
}

/** Defines the command. */
export function define(command: Command): void {
  command
    .argument('<folder>', 'the project’s folder, new or empty; its name becomes the model’s')
    .description(
      'Makes a project that runs: a typed handler, a small ONNX model, a test, an example with its answer. Change it from there.',
    )
    .option('--marina <spec>', 'What package.json asks of npm; file:….tgz installs a packed tarball.')
    .option('--json', 'Print one line of JSON on stdout.', false)
    .addHelpText(
      'after',
      `
Examples:
  marina init digits
  marina init digits --marina file:../marina-0.1.0.tgz`,
    )
    .action(async (folder: string, flags: InitFlags) => {
      const project = await createProject(resolve(folder), flags.marina)
      process.stdout.write(flags.json ? `${JSON.stringify(project)}\n` : createdText(folder, project))
    })
}

function createdText(folder: string, { name, files }: CreatedProject): string {
  const { bold, dim } = styleFor(process.stdout)
  return `${bold(`Made ${folder}`)}  ${dim(files.join(', '))}

What to do next:

  cd ${folder}
  npm install
  npm test               checks the types, and asks the model
  npx marina dev .       serves it, and reloads it when you save a file

While it serves, in another terminal:

  curl localhost:8080/predictions/${name} -H 'content-type: application/json' -d @examples/setosa.json

Without a server:

  npx marina run . examples/setosa.json

The handler is handler.ts, the model model.onnx: put your own in their place. When it is good:

  npx marina archive .   packs one file, ${name}.mar, for marina serve
`
}
