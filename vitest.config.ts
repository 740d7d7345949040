import { defineConfig } from 'vitest/config'

// unit: needs npm packages and python3 only. The other groups need more: scripts/test.mjs says what, and installs it.
const group = (name: string, include: string[], timeoutMs: number, globalSetup: string[] = []) => ({
  test: {
    name,
    include,
    globalSetup,
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    // How long something takes on a busy machine is no reason to fail.
    expect: { poll: { timeout: timeoutMs / 2 } },
    environment: 'node' as const,
  },
})

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      group(
        'unit',
        [
          'src/**/*.test.ts',
          'dashboard/**/*.test.ts',
          'test/*.test.ts',
          'test/compat/archiver/*.test.ts',
          'examples/mnist/test/*.test.ts',
        ],
        60_000,
      ),
      group('torch', ['test/torch/**/*.test.ts'], 300_000),
      group('browser', ['test/browser/**/*.test.ts'], 300_000, ['test/browser/setup.ts']),
      group('compat', ['test/compat/{rest,handlers,metrics}/**/*.test.ts'], 300_000),
      group('package', ['test/package/**/*.test.ts'], 300_000),
      group('system', ['test/{system,scheduling,security,handlers}/**/*.test.ts'], 300_000),
      group('long', ['test/long/**/*.test.ts'], 1_800_000),
      group('fuzz', ['test/fuzz/**/*.test.ts'], 600_000),
    ],
  },
})
