/** A command line to copy. */
import { el, newId } from '../dom.js'

/** A titled line with its button. Where the browser gives no clipboard (plain http from afar), the line is selected instead. */
export function copyLine(title: string, line: string): HTMLElement {
  const code = el('code', { id: newId('line') }, line)
  const said = el('span', { class: 'copied', role: 'status' })
  const copy = () => {
    said.textContent = ''
    void copyText(line, code).then((words) => (said.textContent = words))
  }
  const button = el(
    'button',
    { type: 'button', class: 'small', 'aria-describedby': code.id, onclick: copy },
    'Copy',
  )
  const head = el('div', { class: 'copy-head' }, el('h3', {}, title), said, button)
  return el('div', { class: 'copy-line' }, head, el('pre', { tabindex: 0, 'aria-label': title }, code))
}

async function copyText(text: string, shown: HTMLElement): Promise<string> {
  try {
    await navigator.clipboard.writeText(text)
    return 'Copied'
  } catch {
    document.getSelection()?.selectAllChildren(shown)
    return 'Selected: press Ctrl+C'
  }
}
