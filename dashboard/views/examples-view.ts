/** The archive's stored examples as a row of choices: arrow keys move, and each choice is asked at once. */
import type { PageExample } from '../../src/http/page-types.js'
import { el, newId } from '../dom.js'

/** The row. */
export interface ExamplesView {
  readonly element: HTMLElement
  /** Nothing is chosen any more: something else was drawn or typed. */
  clear(): void
}

/** Radio buttons, since that is what they are: one of many, by the arrow keys, each with a name. */
export function createExamples(
  examples: readonly PageExample[],
  chosen: (example: PageExample) => void,
): ExamplesView {
  const group = newId('examples')
  const choices = examples.map((example) => {
    const radio = el('input', {
      type: 'radio',
      name: group,
      value: example.name,
      onchange: () => chosen(example),
    })
    return { radio, element: el('label', { class: 'example' }, radio, faceOf(example)) }
  })
  const legend = el('legend', {}, 'or choose a stored example')
  const row = el('div', { class: 'examples-row' }, ...choices.map(({ element }) => element))
  const clear = () => {
    for (const { radio } of choices) radio.checked = false
  }
  return { element: el('fieldset', { class: 'examples' }, legend, row), clear }
}

const faceOf = ({ name, contentType, url }: PageExample): HTMLElement =>
  contentType.startsWith('image/')
    ? el('span', { class: 'face' }, el('img', { src: url, alt: '', loading: 'lazy' }), el('span', {}, name))
    : el('span', { class: 'face text' }, el('span', {}, name))
