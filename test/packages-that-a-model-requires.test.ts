/** A model with a requirements file behind a whole server: its packages are there where that is asked for, and only there. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addressUrl } from '../src/config/config.js'
import type { RunningServer } from '../src/server.js'
import { OwnServers } from './support/own-servers.js'

const servers = new OwnServers()
const { folder } = servers
afterAll(() => servers.close())

const HANDLER = `
def handle(data, context):
    import marina_probe
    return data and [marina_probe.WORD]
`
/** A wheel is a zip with three files about itself (PEP 427). */
const MAKE_WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("marina_probe.py", "WORD = 'from the wheel'")
    info = "marina_probe-1.0.dist-info"
    wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: marina_probe\\nVersion: 1.0\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", "")
`

const wheel = join(folder, 'marina_probe-1.0-py3-none-any.whl')

async function archive(name: string, requirements: string): Promise<void> {
  const requirementsFile = servers.file('requirements.txt', requirements)
  await servers.archive(name, HANDLER, { requirementsFile, extraFiles: [wheel] })
}

beforeAll(async () => {
  execFileSync('python3', ['-c', MAKE_WHEEL, wheel])
  await archive('good', 'marina_probe\n')
  await archive('bad', 'marina_absent\n')
})

const start = (install: boolean): Promise<RunningServer> =>
  servers.start({
    environment: { MARINA_INSTALL_PY_DEP_PER_MODEL: String(install), MARINA_MODEL_STORE: folder },
  })

test('a model finds what it requires; one whose packages cannot be had is not registered, and pip says why', async () => {
  const server = await start(true)
  await (
    await server.catalog.register({ url: join(folder, 'good.mar') })
  ).ready
  const url = `${addressUrl(server.addresses.inference)}/predictions/good`
  expect(await (await fetch(url, { method: 'POST', body: 'x' })).text()).toBe('from the wheel')
  await expect(server.catalog.register({ url: join(folder, 'bad.mar') })).rejects.toThrow(
    /The packages that bad requires could not be installed: .*No matching distribution found for marina_absent/s,
  )
  expect(server.catalog.list().map(({ modelName }) => modelName)).toEqual(['good'])
})

test('nothing is installed where that was not asked for', async () => {
  const server = await start(false)
  const { ready } = await server.catalog.register({ url: join(folder, 'good.mar') })
  await expect(ready).rejects.toThrow(/No module named 'marina_probe'|ModuleNotFoundError/)
})
