/** `docs/config.md` is the table: `npx vitest run --project unit src/config/document.test.ts -u` writes it again. */
import { expect, test } from 'vitest'
import { settingsMarkdown, settingTexts } from './document.js'

test('docs/config.md says what the table says', async () => {
  await expect(settingsMarkdown()).toMatchFileSnapshot('../../docs/config.md')
})

test('no key, flag or variable stands for two settings', () => {
  const texts = settingTexts()
  const names = (pick: (text: (typeof texts)[number]) => readonly (string | undefined)[]) =>
    texts.flatMap(pick).filter((name) => name !== undefined)
  for (const all of [
    names(({ key }) => [key]),
    names(({ flag, portFlag }) => [flag?.split(' ')[0], portFlag]),
    names(({ variable, torchserveVariable }) => [variable, torchserveVariable]),
  ])
    expect(new Set(all).size).toBe(all.length)
})
