// `npm run screenshots`: runs the demo, draws a digit on its page in Chromium, and stores the pictures that README shows:
// docs/images/page.png and docs/images/analysis.png. With --quick the demo is the small one.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import sharp from 'sharp'

process.chdir(new URL('..', import.meta.url).pathname)

const FOLDER = 'docs/images'
const MOST_BYTES = 200_000
const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
// A seven as shares of the pad: across, and down.
const SEVEN = [
  [0.29, 0.23],
  [0.71, 0.21],
  [0.48, 0.8],
]

const demo = spawn(
  process.execPath,
  ['bin/marina.js', 'demo', '--json', '--port', '0', ...process.argv.slice(2)],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
)
const ended = new Promise((resolve) => demo.once('close', resolve))
const browser = await chromium.launch({
  executablePath: PROGRAMS.find((file) => existsSync(file)),
  args: ['--no-sandbox'],
})
try {
  const { page, report } = await firstLine(demo)
  mkdirSync(FOLDER, { recursive: true })
  await store('page.png', await pictureOfPage(page))
  await store('analysis.png', await pictureOfReport(report))
} finally {
  await browser.close()
  demo.kill('SIGTERM')
  await ended
}

async function firstLine(child) {
  const line = new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
  const failed = ended.then(() => Promise.reject(new Error('The demo ended by itself; its output says why.')))
  return JSON.parse(await Promise.race([line, failed]))
}

async function pictureOfPage(url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  await page.goto(url)
  const box = await page.locator('canvas').boundingBox()
  for (const [at, [x, y]] of SEVEN.entries()) {
    await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: at === 0 ? 1 : 10 })
    if (at === 0) await page.mouse.down()
  }
  await page.mouse.up()
  await page.locator('.neighbours img').nth(2).waitFor()
  await page.mouse.move(0, 0)
  return page.screenshot({ fullPage: true })
}

async function pictureOfReport(report) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 1000 } })
  await page.goto(pathToFileURL(report).href)
  const { y } = await page.locator('.mistakes li').nth(6).boundingBox()
  return page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width: 1200, height: y } })
}

async function store(name, picture) {
  const file = join(FOLDER, name)
  // A palette is enough for flat colours, and a third of the bytes.
  const { size } = await sharp(picture).png({ palette: true, effort: 10 }).toFile(file)
  if (size > MOST_BYTES) throw new Error(`${file} has ${size} bytes; at most ${MOST_BYTES} are wanted.`)
  console.log(`${file}  ${size} bytes`)
}
