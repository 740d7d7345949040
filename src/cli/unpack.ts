/** `marina unpack`: writes the files of an archive into a new folder. */
import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import { byteProgress } from './byte-progress.js'
import { stopSignal } from './stop-signal.js'
import { styleFor } from './terminal.js'
import { bytesText } from './units.js'

interface UnpackFlags {
  readonly to?: string
  readonly json: boolean
}

/** Defines the command. */
export function define(command: Command): void {
  command
    .argument('<archive>', 'a .mar or a .tar.gz')
    .description(
      'Unpacks into a folder that does not exist yet. What points outside of it, links, devices and bombs are ' +
        'refused, and nothing is left then.',
    )
    .option('--to <folder>', 'The new folder; default: the archive’s name without its suffix, here.')
    .option('--json', 'Print one line of JSON on stdout.', false)
    .addHelpText(
      'after',
      `
Examples:
  marina unpack embedding.mar
  marina unpack embedding.mar --to looked-into`,
    )
    .action((archive: string, flags: UnpackFlags) => run(archive, flags))
}

async function run(file: string, flags: UnpackFlags): Promise<void> {
  const { open } = await import('../archive/index.js')
  const stop = stopSignal('Nothing was left.')
  const progress = byteProgress('unpacking')
  try {
    const { signal } = stop
    const folder = resolve(flags.to ?? folderFor(file))
    const archive = await open(file, { signal })
    const members = archive.members()
    await archive.extractTo(folder, { signal, onProgress: progress.show }).finally(() => archive.close())
    progress.end()
    const bytes = members.reduce((sum, member) => sum + member.bytes, 0)
    const files = members.length
    const { bold } = styleFor(process.stdout)
    process.stdout.write(
      flags.json
        ? `${JSON.stringify({ archive: file, folder, files, bytes })}\n`
        : `${bold(folder)}  ${files} files, ${bytesText(bytes)}\n`,
    )
  } finally {
    progress.end()
    stop.release()
  }
}

/** A folder of the archive's own name when it has no suffix that could be taken off. */
function folderFor(file: string): string {
  const name = basename(file)
  const bare = name.replace(/\.(mar|tar\.gz|tgz)$/i, '')
  return bare === name || bare === '' ? `${name}.unpacked` : bare
}
