import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { launch, LOOKS, open, overflow, violations } from './browser.js'
import { serve, type ServedPage } from './serve.js'

const started: ServedPage[] = []
let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())
afterEach(() => Promise.all(started.splice(0).map((server) => server.stop())))

async function serveNothing(): Promise<ServedPage> {
  const server = await serve()
  started.push(server)
  return server
}

describe('a server without a model', () => {
  it.each(Object.entries(LOOKS))('says what to do, in %s', async (_, look) => {
    const { page } = await open(browser, (await serveNothing()).url, look)
    await page.getByRole('heading', { name: 'has no model yet' }).waitFor()
    expect(await page.locator('.copy-line code').allInnerTexts()).toContain('npx marina demo')
    expect(await violations(page)).toEqual([])
    expect(await overflow(page)).toBe(0)
  })
})

describe('a server that goes away', () => {
  it('is noticed, and the page says how to start one', async () => {
    const server = await serveNothing()
    const { page } = await open(browser, server.url)
    await page.getByRole('heading', { name: 'has no model yet' }).waitFor()
    await server.stop()
    await page.getByRole('heading', { name: 'does not answer' }).waitFor()
    expect(await page.locator('.empty').count()).toBe(0)
    expect(await violations(page)).toEqual([])
  })
})
