import { expect, test } from 'vitest'
import { grantedCores, planPythonThreads, planThreads } from './threads.js'

const files = (table: Record<string, string>) => (path: string) => table[path]

test('threads of all workers together stay within the cores, and each worker has at least one', () => {
  expect(planThreads(8, 1)).toBe(8)
  expect(planThreads(8, 3)).toBe(2)
  expect(planThreads(2, 16)).toBe(1)
  expect(planThreads(4, 0)).toBe(4)
})

test('a Python worker leaves one core to the server, where there is more than one', () => {
  expect([1, 2, 8].map((cores) => planPythonThreads(cores, 1))).toEqual([1, 1, 7])
  expect(planPythonThreads(8, 4)).toBe(2)
})

test('without a quota all visible cores are granted', () => {
  expect(grantedCores(6, files({}))).toBe(6)
  expect(grantedCores(6, files({ '/sys/fs/cgroup/cpu.max': 'max 100000\n' }))).toBe(6)
  expect(grantedCores(6, files({ '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n' }))).toBe(6)
})

test('a quota of cgroup v2 bounds them, a part of a core counting as one', () => {
  expect(grantedCores(16, files({ '/sys/fs/cgroup/cpu.max': '150000 100000\n' }))).toBe(2)
  expect(grantedCores(16, files({ '/sys/fs/cgroup/cpu.max': '50000 100000\n' }))).toBe(1)
})

test('the tightest group above the process decides', () => {
  const read = files({
    '/proc/self/cgroup': '0::/kubepods/pod1/box\n',
    '/sys/fs/cgroup/kubepods/pod1/cpu.max': '300000 100000',
    '/sys/fs/cgroup/kubepods/pod1/box/cpu.max': 'max 100000',
    '/sys/fs/cgroup/kubepods/cpu.max': '900000 100000',
  })
  expect(grantedCores(16, read)).toBe(3)
})

test('a quota of cgroup v1 bounds them', () => {
  const read = files({
    '/proc/self/cgroup': '4:cpu,cpuacct:/docker/abc\n2:memory:/docker/abc\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '400000',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
  })
  expect(grantedCores(16, read)).toBe(4)
})

test('this machine grants at least one core', () => {
  expect(grantedCores()).toBeGreaterThanOrEqual(1)
})
