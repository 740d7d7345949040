import { expect, test } from 'vitest'
import { createRegistry, type GenerationId } from './registry.js'

const filled = () => {
  const registry = createRegistry<string>()
  registry.add({ model: 'm', version: '1.0', generation: 1 as GenerationId }, 'first')
  registry.add({ model: 'm', version: '2.0', generation: 2 as GenerationId }, 'second')
  return registry
}

test('the first version of a name is its default, and later ones leave it alone', () => {
  const registry = filled()
  expect(registry.resolve('m', undefined).primary).toBe('first')
  expect(registry.resolve('m', '2.0').primary).toBe('second')
  registry.setDefault('m', '2.0')
  expect(registry.resolve('m', undefined).primary).toBe('second')
})

test('a reader keeps the snapshot that it took', () => {
  const registry = filled()
  const before = registry.snapshot
  registry.remove('m', '2.0')
  registry.remove('m', '1.0')
  expect([...(before.get('m')?.versions.keys() ?? [])]).toEqual(['1.0', '2.0'])
  expect(registry.snapshot.size).toBe(0)
})

test('what is not there is named with the texts of the original', () => {
  const registry = filled()
  expect(() => registry.resolve('x', undefined)).toThrow('Model not found: x')
  expect(() => registry.resolve('m', '9')).toThrow('Model version: 9 does not exist for model: m')
  registry.remove('m', '2.0')
  expect(() => registry.resolve('m', '2.0')).toThrow('Model version: 2.0 does not exist for model: m')
})
