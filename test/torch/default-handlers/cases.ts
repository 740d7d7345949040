/** What the models that build.py makes are asked. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One request to one model. */
export interface Question {
  readonly model: string
  /** What is asked, in words. */
  readonly title: string
  /** `predictions` or `explanations`. */
  readonly api: string
  readonly body: Buffer | FormData | string
  readonly contentType?: string
}

const forms = ['eager', 'script', 'onnx'] as const
const TEXT =
  "I'd <b>not</b> like the f\u00eflm: the film was&nbsp; GREAT, is\u0301 never boring & would not; again"

/** All questions, over the inputs that build.py wrote. */
export function questions(inputs: string): Question[] {
  const pictures = [0, 1].map((at) => readFileSync(join(inputs, `picture-${at}.png`)))
  const [first = Buffer.alloc(0)] = pictures
  const ask = (model: string, title: string, body: Question['body'], more: Partial<Question> = {}) => ({
    ...{ model, title, body, api: 'predictions' },
    ...more,
  })
  const vision = ['classifier', 'segmenter', 'detector'].flatMap((kind) =>
    forms.flatMap((form) =>
      pictures.map((picture, at) => ask(`${kind}-${form}`, `picture ${at} as a body`, picture)),
    ),
  )
  const texts = forms.flatMap((form) => [
    ask(`text-${form}`, 'a text', TEXT, { contentType: 'text/plain' }),
    ask(`text-${form}`, 'a text of bytes', 'i would not like the film'),
    ask(`text-${form}`, 'a word that is not in the vocabulary', 'incomprehensible'),
  ])
  const json = { contentType: 'application/json' }
  const others = ['classifier-eager', 'detector-script'].flatMap((model) => [
    ask(model, 'a picture in a form', formOf(first)),
    ask(model, 'a picture as base64 text', first.toString('base64'), { contentType: 'text/plain' }),
    ask(model, 'a picture as numbers', JSON.stringify(numbers(model)), json),
    ask(model, 'what is no picture', 'no picture'),
    ask(model, 'nothing', ''),
  ])
  const explained = [
    ask('classifier-eager', 'why a picture', first, { api: 'explanations' }),
    ask('text-eager', 'why a text', 'i would not like the film', { api: 'explanations' }),
  ]
  return [...vision, ...texts, ...others, ...explained]
}

function formOf(picture: Buffer): FormData {
  const form = new FormData()
  form.append('data', new Blob([new Uint8Array(picture)]), 'picture.png')
  return form
}

/** `[3, 64, 64]`, between 0 and 1; only the detector takes other sizes than it was built with. */
const numbers = (model: string): number[][][] =>
  [0, 1, 2].map((channel) =>
    Array.from({ length: 64 }, (_, y) =>
      Array.from(
        { length: 64 },
        (_, x) => Math.round(50 + 50 * Math.sin(channel + x / 9 + y / model.length)) / 100,
      ),
    ),
  )
