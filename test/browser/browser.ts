/** A real Chromium for tests: pages that note every complaint of the browser, strokes by mouse, and axe. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Starts it without its sandbox, which root may not use. */
export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: PROGRAMS.find(existsSync) ?? 'chromium', args: ['--no-sandbox'] })

/** How a person looks at the page. */
export const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 860 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 860 } },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
  'phone in the dark': { colorScheme: 'dark', viewport: { width: 360, height: 740 }, isMobile: true },
} as const satisfies Record<string, BrowserContextOptions>

/** A page and the errors and warnings that its console has shown, which a test expects to be none. */
export interface WatchedPage {
  readonly page: Page
  readonly complaints: readonly string[]
}

/** Opens a URL. */
export async function open(
  browser: Browser,
  url: string,
  look: BrowserContextOptions = LOOKS.light,
): Promise<WatchedPage> {
  const page = await (await browser.newContext(look)).newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(url)
  return { page, complaints }
}

/** A place on the pad as shares of its width and height. */
export type Place = readonly [x: number, y: number]

/** What hands draw. The last is no digit: a fence. */
export const DRAWINGS = {
  seven: [
    [
      [0.28, 0.22],
      [0.72, 0.2],
      [0.5, 0.82],
    ],
  ],
  one: [
    [
      [0.5, 0.15],
      [0.48, 0.85],
    ],
  ],
  fence: [
    [
      [0.3, 0.1],
      [0.3, 0.9],
    ],
    [
      [0.7, 0.1],
      [0.7, 0.9],
    ],
    [
      [0.1, 0.3],
      [0.9, 0.3],
    ],
    [
      [0.1, 0.7],
      [0.9, 0.7],
    ],
  ],
} satisfies Record<string, readonly (readonly Place[])[]>

/** Draws strokes on the pad with the mouse. */
export async function draw(page: Page, strokes: readonly (readonly Place[])[]): Promise<void> {
  const pad = page.locator('canvas')
  await pad.scrollIntoViewIfNeeded()
  const box = await pad.boundingBox()
  if (!box) throw new Error('The page has no pad.')
  for (const stroke of strokes) {
    const places = stroke.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height] as const)
    for (const [at, [x, y]] of places.entries()) {
      await page.mouse.move(x, y, { steps: at === 0 ? 1 : 8 })
      if (at === 0) await page.mouse.down()
    }
    await page.mouse.up()
  }
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe-core holds against the page, one line for each element. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const results = await page.evaluate<{ id: string; nodes: { html: string; failureSummary: string }[] }[]>(
    'axe.run().then(({ violations }) => violations)',
  )
  return results.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}

/** Pixels by which the page is wider than its window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
