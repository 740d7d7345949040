/** Which file of settings is read. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listModelStore, readSettingsFile } from './source.js'

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'marina-source-'))
})
afterEach(() => rmSync(cwd, { recursive: true }))

function write(path: string, text = ''): void {
  mkdirSync(dirname(join(cwd, path)), { recursive: true })
  writeFileSync(join(cwd, path), text)
}

const chosen = (search: Partial<Parameters<typeof readSettingsFile>[0]> = {}) =>
  readSettingsFile({ environment: {}, snapshots: true, cwd, ...search })?.path

test('the variable, the flag, the newest snapshot, config.properties: the first that is there', () => {
  expect(chosen()).toBeUndefined()
  write('config.properties')
  expect(chosen()).toBe('config.properties')
  write('logs/config/20200331062429525-startup.cfg')
  expect(chosen()).toBe('logs/config/20200331062429525-startup.cfg')
  write('mine.properties')
  expect(chosen({ flag: 'mine.properties' })).toBe('mine.properties')
  write('theirs.properties')
  const environment = { TS_CONFIG_FILE: 'theirs.properties' }
  expect(chosen({ flag: 'mine.properties', environment })).toBe('theirs.properties')
})

test('snapshots are ordered by the time in their names, and other files in their folder do not count', () => {
  write('l/config/20200331062429526-shutdown.cfg')
  write('l/config/20200331062429525-startup.cfg')
  write('l/config/README.txt')
  write('l/config/99-old.cfg')
  expect(chosen({ environment: { LOG_LOCATION: 'l' } })).toBe('l/config/20200331062429526-shutdown.cfg')
  expect(chosen({ environment: { LOG_LOCATION: 'l' }, snapshots: false })).toBeUndefined()
})

test('a file that was named and is not there is an error', () => {
  expect(() => chosen({ flag: 'none.properties' })).toThrow(
    /file of settings cannot be read: .*none\.properties/,
  )
})

test('variables in the file are replaced', () => {
  write('config.properties', 'model_store=$$STORE$$/models')
  const file = readSettingsFile({ environment: { STORE: '/s' }, snapshots: false, cwd })
  expect(file?.entries).toEqual([{ key: 'model_store', value: '/s/models', line: 1 }])
})

test('all stands for archives and folders of the model store, links followed, in the order of their names', () => {
  for (const name of ['s/b.mar', 's/a.tar.gz', 's/c.model', 's/.hidden.mar', 's/notes.txt', 's/folder/x'])
    write(name)
  symlinkSync(join(cwd, 's/folder'), join(cwd, 's/link'))
  symlinkSync(join(cwd, 'nowhere'), join(cwd, 's/broken'))
  expect(listModelStore(join(cwd, 's'))).toEqual(['a.tar.gz', 'b.mar', 'c.model', 'folder', 'link'])
  expect(listModelStore(join(cwd, 'no-such-store'))).toEqual([])
})
