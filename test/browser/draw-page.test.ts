import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { draw, DRAWINGS, launch, LOOKS, open, overflow, violations } from './browser.js'

const url = inject('page')
let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

/** The large word of the answer, when it is there. */
const answerOf = (page: Page) => page.locator('.answer:not(.busy) .large').innerText()
const spoken = (page: Page) => page.locator('.answer [aria-live]')

/** Waits until the explanation is there too. */
const complete = (page: Page) => page.locator('.neighbours img').nth(2).waitFor()

describe('the drawing pad', () => {
  it('answers a stroke with the right digit, its distance, three neighbours and the time of each phase', async () => {
    const { page, complaints } = await open(browser, url)
    await draw(page, DRAWINGS.seven)
    await complete(page)
    expect(await answerOf(page)).toBe('7')
    expect(await page.locator('.distance').innerText()).toMatch(/^distance 0\.\d+ of 0\.\d+ allowed/)
    expect(await page.locator('.neighbours li strong').allInnerTexts()).toEqual(['7', '7', '7'])
    expect(await page.locator('.legend dt').allInnerTexts()).toEqual(
      expect.arrayContaining(['queue', 'preprocess', 'inference', 'postprocess']),
    )
    expect(await spoken(page).textContent()).toMatch(/^Answer 7, distance 0\.\d+\.$/)
    expect(complaints).toEqual([])
  })

  it('answers a finger, too', async () => {
    const { page, complaints } = await open(browser, url, LOOKS.phone)
    const box = await page.locator('canvas').boundingBox()
    const touch = await page.context().newCDPSession(page)
    const at = (x: number, y: number) => ({
      x: (box?.x ?? 0) + x * (box?.width ?? 0),
      y: (box?.y ?? 0) + y * (box?.height ?? 0),
    })
    const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...touchPoints: ReturnType<typeof at>[]) =>
      touch.send('Input.dispatchTouchEvent', { type, touchPoints })
    await send('touchStart', at(0.5, 0.15))
    for (const y of [0.3, 0.45, 0.6, 0.75, 0.85]) await send('touchMove', at(0.49, y))
    await send('touchEnd')
    await complete(page)
    expect(await answerOf(page)).toBe('1')
    expect(complaints).toEqual([])
  })

  it('calls a fence unknown, and says what is nearest', async () => {
    const { page } = await open(browser, url)
    await draw(page, DRAWINGS.fence)
    await complete(page)
    expect(await answerOf(page)).toBe('unknown')
    expect(await spoken(page).textContent()).toMatch(/^Unknown, nearest is \d, distance/)
  })

  it('forgets the answer when it is cleared', async () => {
    const { page } = await open(browser, url)
    await draw(page, DRAWINGS.one)
    await complete(page)
    await page.getByRole('button', { name: 'Clear' }).click()
    expect(await page.locator('.answer .large').count()).toBe(0)
    expect(await page.locator('.invitation').innerText()).toContain('Draw')
  })

  it('gives a curl line that answers the same, with the drawing that is saved beside it', async () => {
    const { page } = await open(browser, url)
    await draw(page, DRAWINGS.seven)
    await complete(page)
    const folder = mkdtempSync(join(tmpdir(), 'marina-page-'))
    const saving = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Save drawing.png' }).click()
    await (await saving).saveAs(join(folder, 'drawing.png'))
    const line = await page.locator('.copy-line code').innerText()
    const answer = execFileSync('sh', ['-c', `${line} -s`], { cwd: folder, encoding: 'utf8' })
    rmSync(folder, { recursive: true })
    expect(JSON.parse(answer)).toMatchObject({ pred: 7, known: true })
  })
})

describe('an answer that comes late', () => {
  it('is not shown after a newer one', async () => {
    const { page } = await open(browser, url)
    let letGo: () => void = () => undefined
    const newerIsShown = new Promise<void>((resolve) => (letGo = resolve))
    const late = new Promise<void>((resolve) => {
      void page.route('**/predictions/**', async (route) => {
        await page.unroute('**/predictions/**')
        await newerIsShown
        const body = JSON.stringify({ pred: 3, dist: 0.1, known: true })
        // The page has hung up by now, which is as good an end as being ignored.
        await route.fulfill({ status: 200, contentType: 'application/json', body }).catch(() => undefined)
        resolve()
      })
    })
    const first = page.waitForRequest('**/predictions/**')
    await draw(page, DRAWINGS.one)
    await first
    await page.getByRole('button', { name: 'Clear' }).click()
    await draw(page, DRAWINGS.seven)
    await complete(page)
    letGo()
    await late
    await page.evaluate('new Promise(requestAnimationFrame)')
    expect(await answerOf(page)).toBe('7')
  })
})

describe('without a mouse', () => {
  it('a stored example is reached by Tab, chosen by arrow keys and answered at once', async () => {
    const { page, complaints } = await open(browser, url)
    await page.locator('.example').first().waitFor()
    const focused = () =>
      page.evaluate<string>('document.activeElement.type + " " + document.activeElement.value')
    for (let tabs = 0; tabs < 20 && !(await focused()).startsWith('radio'); tabs++) {
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Space')
    for (let steps = 0; steps < 12 && (await focused()) !== 'radio 7'; steps++) {
      await page.keyboard.press('ArrowRight')
    }
    await expect.poll(() => spoken(page).textContent()).toMatch(/^Answer 7/)
    await complete(page)
    expect(await page.locator('.copy-line code').innerText()).toContain('/examples/7.png')
    expect(complaints).toEqual([])
  })

  it('the focus is seen wherever it is', async () => {
    const { page } = await open(browser, url)
    await page.locator('.example').first().waitFor()
    const outline = `(() => {
      const active = document.activeElement
      const shown = active.type === 'radio' ? active.nextElementSibling : active
      return active === document.body ? 'end' : getComputedStyle(shown).outlineStyle
    })()`
    const seen: string[] = []
    for (let tabs = 0; tabs < 20 && seen.at(-1) !== 'end'; tabs++) {
      await page.keyboard.press('Tab')
      seen.push(await page.evaluate<string>(outline))
    }
    expect(seen.length).toBeGreaterThan(4)
    expect(seen.slice(0, -1)).toEqual(seen.slice(0, -1).map(() => 'solid'))
  })
})

it('a file that is no picture is refused in the words of the server', async () => {
  const { page } = await open(browser, url)
  const file = { name: 'note.png', mimeType: 'image/png', buffer: Buffer.from('no picture') }
  await page.locator('input[type=file]').setInputFiles(file)
  expect(await page.locator('.answer .notice').innerText()).toMatch(
    /Refused \(400\)[^]*not an image that can be read/,
  )
})

describe.each(Object.entries(LOOKS))('in %s', (_, look) => {
  it('axe finds nothing, before an answer, with one, and with none known; nothing is wider than the window', async () => {
    const { page, complaints } = await open(browser, url, look)
    await page.locator('canvas').waitFor()
    expect(await violations(page)).toEqual([])
    await page.locator('.example', { hasText: /^7$/ }).locator('input').check()
    await complete(page)
    await page.locator('summary').click()
    expect(await violations(page)).toEqual([])
    expect(await overflow(page)).toBe(0)
    await draw(page, DRAWINGS.fence)
    await page.locator('.headline.unknown').waitFor()
    await complete(page)
    expect(await violations(page)).toEqual([])
    expect(await overflow(page)).toBe(0)
    expect(complaints).toEqual([])
  })
})
