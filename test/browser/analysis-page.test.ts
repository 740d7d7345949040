import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { launch, LOOKS, open, overflow, violations } from './browser.js'

const url = pathToFileURL(inject('report')).href
let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

describe.each(Object.entries(LOOKS))('the analysis page in %s', (_, look) => {
  it('shows matrix, mistakes and histograms without a complaint of the browser or of axe', async () => {
    const { page, complaints } = await open(browser, url, look)
    expect(await page.locator('.matrix tbody tr').count()).toBe(10)
    expect(await page.locator('.matrix tbody td').count()).toBe(100)
    expect(await page.locator('.mistakes > li').count()).toBeGreaterThan(0)
    expect(await page.locator('svg[role=img] rect').count()).toBeGreaterThan(30)
    const empty = await page.evaluate<number>(
      '[...document.images].filter(({ naturalWidth }) => naturalWidth === 0).length',
    )
    expect(empty).toBe(0)
    expect(await overflow(page)).toBe(0)
    expect(await violations(page)).toEqual([])
    expect(complaints).toEqual([])
  })
})

it('the analysis page needs no network and no script', async () => {
  const page = await browser.newPage()
  const asked: string[] = []
  page.on('request', (request) => asked.push(new URL(request.url()).protocol))
  await page.goto(url)
  expect(await page.locator('script').count()).toBe(0)
  expect(asked.filter((protocol) => protocol !== 'file:' && protocol !== 'data:')).toEqual([])
})
