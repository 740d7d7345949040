import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { pack, type ModelSchema } from '../../src/archive/index.js'
import { launch, open, violations } from './browser.js'
import { serve, type ServedPage } from './serve.js'

const LOUD = `import { defineHandler, mainPart } from 'marina'
export default defineHandler({
  inference: (jobs) => jobs.map((job) => ({ loud: Buffer.from(mainPart(job).data).toString().toUpperCase() })),
})`
const BROKEN = `import { defineHandler } from 'marina'
export default defineHandler({
  initialize: () => { throw new Error('the weights are not there') },
  inference: (jobs) => jobs.map(() => 'never'),
})`
const schema: ModelSchema = {
  description: 'Says it louder.',
  inputs: [{ name: 'body', kind: 'text', contentTypes: ['text/plain'], description: 'What to say' }],
  outputs: [{ name: 'loud', type: 'string', role: 'answer' }],
  operations: ['predict'],
}

let browser: Browser
let served: ServedPage
const folder = mkdtempSync(join(tmpdir(), 'marina-models-'))

/** Packs a handler; what has no schema is packed as other archivers would. */
async function archive(modelName: string, text: string, marina?: { schema: ModelSchema }): Promise<string> {
  const handler = join(folder, `${modelName}.ts`)
  writeFileSync(handler, text)
  return (await pack({ modelName, version: '1.0', handler, exportPath: folder, marina })).file
}

beforeAll(async () => {
  const models = [
    await archive('loud', LOUD, { schema }),
    await archive('broken', BROKEN),
    await archive('plain', LOUD),
  ]
  ;[browser, served] = await Promise.all([launch(), serve(...models)])
})
afterAll(async () => {
  await Promise.all([browser.close(), served.stop()])
  rmSync(folder, { recursive: true })
})

it('a model that takes text has a text field, no pad, and answers what is typed', async () => {
  const { page, complaints } = await open(browser, `${served.url}#/loud`)
  await page.getByLabel('What to say').fill('ahoy')
  await page.keyboard.press('Control+Enter')
  await expect.poll(() => page.locator('.large').allInnerTexts()).toEqual(['AHOY'])
  expect(await page.locator('canvas').count()).toBe(0)
  expect(await page.locator('.copy-line code').innerText()).toContain('--data-raw ahoy')
  expect(await violations(page)).toEqual([])
  expect(complaints).toEqual([])
})

it('a form that is sent empty says so', async () => {
  const { page } = await open(browser, `${served.url}#/loud`)
  await page.getByRole('button', { name: 'Ask' }).click()
  expect(await page.getByRole('alert').innerText()).toContain('fill in the form first')
})

it('a model whose workers cannot start says why', async () => {
  const { page } = await open(browser, `${served.url}#/broken`)
  await page.getByText('the weights are not there').first().waitFor()
  expect(await page.locator('.models a[aria-current]').innerText()).toContain('failed')
  expect(await violations(page)).toEqual([])
})

it('a model without a schema can be asked with any text, and its answer is shown as it is', async () => {
  const { page } = await open(browser, `${served.url}#/plain`)
  await page.getByLabel('A body of JSON or text').fill('ahoy')
  await page.getByRole('button', { name: 'Ask' }).click()
  await expect.poll(() => page.locator('.raw').allInnerTexts()).toEqual(['{\n  "loud": "AHOY"\n}'])
  expect(await violations(page)).toEqual([])
})

it('the list leads from one model to the other', async () => {
  const { page } = await open(browser, served.url)
  await page.getByRole('navigation').getByRole('link').nth(2).click()
  await page.getByRole('article', { name: 'plain 1.0' }).waitFor()
})
