/** Step 7: brings the archive to the running server: register, warm, ask its examples, make it the default, keep three. */
import { readFile, writeFile } from 'node:fs/promises'
import { deployArchive } from 'marina/deploy'
import { defineStep } from 'marina/pipeline'

export default defineStep({
  inputs: ['archive'],
  outputs: ['deployment'],
  effect: true,
  params: {
    management: 'http://127.0.0.1:8081',
    inference: 'http://127.0.0.1:8080',
    /** Versions that stay registered. */
    keep: 3,
  },
  async run({ inputs, outputs, params, signal, log, report }) {
    const { file } = JSON.parse(await readFile(inputs.archive, 'utf8')) as { file: string }
    const deployment = await deployArchive({ archive: file, ...params, signal, log })
    await writeFile(outputs.deployment, JSON.stringify(deployment, null, 2))
    const { model, version } = deployment
    report({ url: `${params.inference}/predictions/${model}`, version })
  },
})
