/** Which GPUs there are, and which worker gets which. */
import { describe, expect, test } from 'vitest'
import { Devices, visibleGpus, type DeviceRules } from './devices.js'

const folders = (content: Readonly<Record<string, readonly string[]>>) => (path: string) =>
  content[path] ?? []
const driver = folders({ '/proc/driver/nvidia/gpus': ['0000:01:00.0', '0000:02:00.0'] })

describe('the GPUs of the server are', () => {
  test.each<[string, string | undefined, (path: string) => readonly string[], string[]]>([
    ['those of the driver', undefined, driver, ['0', '1']],
    [
      'those whose devices are there',
      undefined,
      folders({ '/dev': ['null', 'nvidia0', 'nvidia1', 'nvidiactl'] }),
      ['0', '1'],
    ],
    ['none without either', undefined, folders({}), []],
    ['those that the variable lists', '3,GPU-8932f937, 5', driver, ['3', 'GPU-8932f937', '5']],
    ['none where the variable is empty', '', driver, []],
    ['none where the variable says so', '-1', driver, []],
    ['those before the first that is none', '2,-1,3', driver, ['2']],
  ])('%s', (_, variable, list, names) => {
    const environment = variable === undefined ? {} : { CUDA_VISIBLE_DEVICES: variable }
    expect(visibleGpus(environment, list)).toEqual(names)
  })
})

const plain: DeviceRules = {
  type: undefined,
  ids: undefined,
  parallelType: undefined,
  parallelLevel: 0,
  gpuByDefault: true,
}
const four = ['0', '1', '2', '3']
const deviceOf = (devices: Devices, rules: DeviceRules) => devices.place(rules).device

describe('workers', () => {
  test('of all models are handed one GPU after the other', () => {
    const devices = new Devices(four.slice(0, 3))
    const other = { ...plain }
    const order = [plain, plain, other, other, plain]
    expect(order.map((rules) => deviceOf(devices, rules))).toEqual([
      'cuda:0',
      'cuda:1',
      'cuda:2',
      'cuda:0',
      'cuda:1',
    ])
  })

  test('of a model with GPUs of its own are handed those, and leave the turn of the others as it is', () => {
    const devices = new Devices(four)
    const own = { ...plain, ids: [3, 1] }
    const order = [own, plain, own, own, plain]
    expect(order.map((rules) => deviceOf(devices, rules))).toEqual([
      'cuda:3',
      'cuda:0',
      'cuda:1',
      'cuda:3',
      'cuda:1',
    ])
  })

  test('of a model that names a GPU which is not there are handed all of them', () => {
    const devices = new Devices(four.slice(0, 2))
    const own = { ...plain, ids: [0, 2] }
    expect([own, own].map((rules) => deviceOf(devices, rules))).toEqual(['cuda:0', 'cuda:1'])
  })

  test.each<[string, Partial<DeviceRules>, readonly string[], number | undefined]>([
    ['there is no GPU', { type: 'gpu' }, [], undefined],
    ['the model says cpu', { type: 'cpu' }, four, undefined],
    ['its handler does not ask for one, as those in TypeScript', { gpuByDefault: false }, four, undefined],
    ['number_of_gpu is 0', {}, four, 0],
  ])('run on the processor where %s', (_, rules, names, limit) => {
    expect(new Devices(names, limit).place({ ...plain, ...rules })).toEqual({ device: 'cpu', gpus: [] })
  })

  test('whose handler does not ask for a GPU get one when the model does', () => {
    expect(deviceOf(new Devices(four), { ...plain, gpuByDefault: false, type: 'gpu' })).toBe('cuda:0')
  })

  test('get no more GPUs than the limit, and no more than there are', () => {
    expect(new Devices(four, 3).count).toBe(3)
    expect(new Devices(four, 9).count).toBe(4)
  })
})

describe('workers that need several GPUs', () => {
  const pairs: DeviceRules = { ...plain, parallelType: 'custom', parallelLevel: 2 }

  test('see those alone, under the names that CUDA has for them', () => {
    const devices = new Devices(['4', '5', '6', '7', '8'])
    expect([pairs, pairs, pairs].map((rules) => devices.place(rules))).toEqual([
      { device: 'cuda:0', gpus: [0, 1], visible: '4,5' },
      { device: 'cuda:0', gpus: [2, 3], visible: '6,7' },
      { device: 'cuda:0', gpus: [0, 1], visible: '4,5' },
    ])
  })

  test('get them from the list of their model', () => {
    const own = { ...pairs, ids: [3, 0] }
    expect(new Devices(four).place(own)).toEqual({ device: 'cuda:0', gpus: [3, 0], visible: '3,0' })
  })

  test.each([
    [4, 2],
    [5, 2],
    [1, 0],
    [0, Infinity],
  ])('with %d GPUs there are at most %d of them', (gpus, workers) => {
    const names = Array.from({ length: gpus }, (_, at) => String(at))
    expect(new Devices(names).mostWorkers(pairs)).toBe(workers)
  })
})
