import { expect, test } from 'vitest'
import { reasonOf } from './reason.js'

// Recorded from the original: test/compat/handlers/recorded/answers.json.
test.each([
  [200, 'OK'],
  [404, 'Not Found'],
  [414, 'Request-URI Too Long'],
  [418, 'Client Error (418)'],
  [451, 'Client Error (451)'],
  [503, 'Service Unavailable'],
  [508, 'Server Error (508)'],
  [513, 'Server Error (513)'],
  [600, 'Unknown Status (600)'],
])('the status %i is named as the original names it', (status, phrase) => {
  expect(reasonOf(status)).toBe(phrase)
})
