/** One field of a try-it form for each input that a schema declares. */
import type { InputSchema } from '../../src/http/page-types.js'
import { el, newId } from '../dom.js'
import type { Part } from '../parts.js'
import { createPad, createStage } from './pad.js'

/** What a field holds: a value, nothing yet, or something that cannot be sent. */
export type FieldValue =
  | { readonly kind: 'part'; readonly part: Part }
  | { readonly kind: 'empty' }
  | { readonly kind: 'wrong'; readonly message: string }

/** A part of the form. */
export interface Field {
  readonly element: HTMLElement
  read(): FieldValue
  /** Puts a stored example into it. */
  put(part: Part): Promise<void>
  clear(): void
}

/** Whom a field tells what. */
export interface FieldEvents {
  /** A value is whole: a stroke has ended, a file was chosen. Texts are whole when the form is sent. */
  readonly completed: () => void
  /** A hand changes the value: an example that was put here is no longer what will be asked. */
  readonly changed: () => void
  /** The value is gone, and with it what was answered to it. */
  readonly emptied: () => void
}

/** The field of an input. */
export function createField(input: InputSchema, events: FieldEvents): Field {
  switch (input.kind) {
    case 'image':
    case 'binary':
      return createFileField(input, events)
    case 'text':
    case 'json':
      return createTextField(input, events)
    default:
      input.kind satisfies never
      return createTextField(input, events)
  }
}

const OCTETS = 'application/octet-stream'

function createFileField(input: InputSchema, { completed, changed, emptied }: FieldEvents): Field {
  const { name, contentTypes, description, draw, kind } = input
  let value: FieldValue = { kind: 'empty' }
  const take = (part: Part) => {
    value = { kind: 'part', part }
    completed()
  }
  const forget = () => {
    value = { kind: 'empty' }
    picker.value = ''
    changed()
    emptied()
  }
  const drawn = (data: Blob) => take({ name, data, contentType: 'image/png', fileName: 'drawing.png' })
  const view = draw ? createPad({ ...draw, drawn, emptied: forget }) : createStage()
  const isPicture = (contentType: string) => kind === 'image' && contentType.startsWith('image/')
  const picked = () => {
    const file = picker.files?.[0]
    if (!file) return
    changed()
    if (isPicture(file.type)) view.present(file)
    else view.clear()
    take({ name, data: file, contentType: file.type || OCTETS, fileName: file.name })
  }
  const picker = el('input', {
    type: 'file',
    id: newId('file'),
    accept: contentTypes.join(','),
    onchange: picked,
  })
  const label = el(
    'label',
    { for: picker.id, class: 'file-label' },
    draw ? 'or a file' : (description ?? name),
  )
  return {
    element: el('div', { class: 'field' }, view.element, el('p', { class: 'file' }, label, picker)),
    read: () => value,
    put(part) {
      picker.value = ''
      if (typeof part.data !== 'string' && isPicture(part.contentType)) view.present(part.data)
      else view.clear()
      value = { kind: 'part', part }
      return Promise.resolve()
    },
    clear() {
      picker.value = ''
      view.clear()
      value = { kind: 'empty' }
    },
  }
}

function createTextField(
  { name, kind, contentTypes, description }: InputSchema,
  { changed }: FieldEvents,
): Field {
  const contentType = contentTypes[0] ?? (kind === 'json' ? 'application/json' : 'text/plain')
  const id = newId('text')
  const area = el('textarea', { id, rows: 5, spellcheck: kind === 'text', class: kind, oninput: changed })
  return {
    element: el('div', { class: 'field' }, el('label', { for: id }, description ?? name), area),
    read() {
      if (area.value.trim() === '') return { kind: 'empty' }
      const problem = kind === 'json' ? jsonProblem(area.value) : undefined
      if (problem !== undefined) return { kind: 'wrong', message: `${name} is not JSON: ${problem}` }
      return { kind: 'part', part: { name, data: area.value, contentType } }
    },
    async put({ data }) {
      area.value = typeof data === 'string' ? data : await data.text()
    },
    clear: () => (area.value = ''),
  }
}

function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
