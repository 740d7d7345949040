import { describe, expect, it } from 'vitest'
import { requestOf, type Part } from './parts.js'

const picture: Part = {
  name: 'data',
  data: new Blob(['x']),
  contentType: 'image/png',
  fileName: 'drawing.png',
}
const text: Part = { name: 'body', data: "it's", contentType: 'text/plain' }
describe('a request', () => {
  it('is the plain body where the only part is called data or body', () => {
    expect(requestOf([picture])).toEqual({ body: picture.data, contentType: 'image/png' })
    expect(requestOf([text])).toEqual({ body: "it's", contentType: 'text/plain' })
  })

  it('is a form where parts have names of their own', () => {
    const { body, contentType } = requestOf([
      { ...picture, name: 'left' },
      { ...text, name: 'note' },
    ])
    expect(contentType).toBeUndefined()
    expect(body).toBeInstanceOf(FormData)
    expect([...(body as FormData).keys()]).toEqual(['left', 'note'])
  })
})
