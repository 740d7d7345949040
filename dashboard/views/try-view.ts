/** The try-it form of one version, made from its schema and its stored examples, beside the answer. */
import type { InputSchema, PageExample, PageVersion } from '../../src/http/page-types.js'
import type { Api } from '../api.js'
import { el } from '../dom.js'
import type { Part, Parts } from '../parts.js'
import { Trial } from '../trial.js'
import { createAnswerView } from './answer-view.js'
import { createExamples } from './examples-view.js'
import { createField, type Field } from './fields.js'

/** What a version without a schema is taken to accept: JSON or text as the body, or a file as the body. */
const ANYTHING: readonly InputSchema[] = [
  { name: 'body', kind: 'text', contentTypes: ['application/json'], description: 'A body of JSON or text' },
  { name: 'body', kind: 'binary', contentTypes: [], description: 'or a file' },
]

/** The form and the answer, side by side. */
export function tryView(version: PageVersion, { api, origin }: { api: Api; origin: string }): HTMLElement {
  const { schema, predictUrl, explainUrl, examples } = version
  const inputs = schema?.inputs ?? ANYTHING
  const draws = inputs.some(({ draw }) => draw !== undefined)
  const answer = createAnswerView({
    outputs: schema?.outputs ?? [],
    predictUrl: origin + predictUrl,
    explains: explainUrl !== undefined,
    invitation: invitationOf(draws, examples),
  })
  const trial = new Trial(api, version, (state) => answer.show(state))
  const problem = el('p', { class: 'problem', role: 'alert' })
  let latest: PageExample | undefined
  const form = createForm(inputs, {
    ask: (parts) => void trial.ask(parts),
    emptied: () => trial.clear(),
    changed: () => {
      // An example that is still being fetched must not come down on what a hand has begun since.
      latest = undefined
      row.clear()
    },
    problem: (text) => (problem.textContent = text),
  })
  const choose = async (example: PageExample) => {
    latest = example
    const data = await api.example(example.url, AbortSignal.timeout(10_000))
    if (latest !== example) return
    if (!data) return void (problem.textContent = `The example ${example.name} cannot be fetched.`)
    const { contentType, url, name } = example
    await form.put({ name: inputs[0]?.name ?? 'body', data, contentType, fileName: name, url: origin + url })
  }
  const row = createExamples(examples, (example) => void choose(example))
  const left = el(
    'section',
    { class: 'panel input', 'aria-label': 'Try it' },
    form.element,
    examples.length > 0 ? row.element : undefined,
    problem,
  )
  return el('div', { class: draws ? 'try draws' : 'try' }, left, answer.element)
}

function invitationOf(draws: boolean, examples: readonly PageExample[]): string {
  const ways = [draws ? 'Draw' : 'Fill in the form', examples.length > 0 ? 'choose an example' : undefined]
  return `${ways.filter((way) => way !== undefined).join(', or ')}: the answer appears here.`
}

interface FormEvents {
  readonly ask: (parts: Parts) => void
  readonly emptied: () => void
  /** A hand has changed a field: a chosen example is no longer what is asked. */
  readonly changed: () => void
  readonly problem: (text: string) => void
}

interface Form {
  readonly element: HTMLElement
  /** Puts an example into the first field, and asks. */
  put(part: Part): Promise<void>
}

/** Files and drawings are asked at once where they are the only input; texts, and forms of many fields, on a button. */
function createForm(inputs: readonly InputSchema[], events: FormEvents): Form {
  const isOne = inputs.length === 1 || inputs === ANYTHING
  const ask = (fields: readonly Field[]) => {
    const parts = readAll(fields)
    events.problem(typeof parts === 'string' ? parts : '')
    if (typeof parts !== 'string') events.ask(parts)
  }
  const fields: Field[] = inputs.map((input, at) =>
    createField(input, {
      changed: events.changed,
      emptied: () => {
        if (isOne) events.emptied()
      },
      completed: () => {
        if (isOne) ask(fields.slice(at, at + 1))
      },
    }),
  )
  const asked = isOne ? fields.slice(0, 1) : fields
  const needsButton = !isOne || inputs.some((input) => !isFile(input))
  const submit = (event: Event) => {
    event.preventDefault()
    ask(asked)
  }
  const element = el(
    'form',
    { onsubmit: submit },
    ...fields.map((field) => field.element),
    needsButton ? el('button', { type: 'submit', class: 'main' }, 'Ask') : undefined,
  )
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) ask(asked)
  })
  const put = async (part: Part) => {
    await fields[0]?.put(part)
    if (isOne) events.ask([part])
  }
  return { element, put }
}

const isFile = ({ kind }: InputSchema): boolean => kind === 'image' || kind === 'binary'

/** All values, or what is wrong with them. */
function readAll(fields: readonly Field[]): Parts | string {
  const values = fields.map((field) => field.read())
  const wrong = values.find((value) => value.kind === 'wrong')
  if (wrong) return wrong.message
  const [first, ...rest] = values.flatMap((value) => (value.kind === 'part' ? [value.part] : []))
  return first ? [first, ...rest] : 'There is nothing to ask yet: fill in the form first.'
}
