/** The command `marina`. */
import { runMarina } from './run.js'

process.exitCode = await runMarina(process.argv.slice(2))
