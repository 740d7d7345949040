/** Running a program without the powers of root, for what root is never refused. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs']
// Root's own files stay readable in a checkout that nobody else may enter; folders without write permission do not.
const WITHOUT_OVERRIDE = [
  'setpriv',
  '--bounding-set=-dac_override,-dac_read_search',
  '--inh-caps=-all',
  '--no-new-privs',
]

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The words in front of a command that make it run as nobody. */
export const asNobody = (): readonly string[] => NOBODY

/** The same for a program of this checkout, wherever that is; none where the tests run as an ordinary user already. */
export function unprivileged(): readonly string[] {
  if (process.getuid?.() !== 0) return []
  const [command = '', ...words] = NOBODY
  const mayRead = [process.execPath, root + 'dist/index.js'].every(
    (path) => spawnSync(command, [...words, 'test', '-r', path]).status === 0,
  )
  return mayRead ? NOBODY : WITHOUT_OVERRIDE
}
