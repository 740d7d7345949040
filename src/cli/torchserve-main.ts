/** The process of a server that `torchserve` started in the background; its words are those of the command. */
import { EXIT } from './exit.js'
import { parseTorchserveOptions } from './torchserve/options.js'
import { serveTorchserve } from './torchserve/server.js'

const options = parseTorchserveOptions(process.argv.slice(2))
process.exitCode = 'exitCode' in options ? EXIT.misused : await serveTorchserve(options)
