/** What was logged, whichever way a server writes its records. */

/** `2026-11-25T20:00:00,000 [INFO ] W-9000-model_1.0-stdout MODEL_LOG - text`; a level may stand before it, too. */
const RECORD = /^\d{4}-\d\d-\d\dT[\d:]+,\d+ \[\w+ *\] \S+ \S+ - (.*)$/

/** What stands behind a text of ours: the facts of its record. */
const FACTS = / \{"(model|id)":.*\}$/

/** The bare texts of an output, line by line: of records in JSON, of TorchServe's records, and of what is neither. */
export function loggedTexts(output: string): string[] {
  const whole = output.slice(0, output.lastIndexOf('\n') + 1)
  return whole.split('\n').flatMap((line) => {
    if (line.startsWith('{')) return messageOf(line).split('\n')
    return [(RECORD.exec(line)?.[1] ?? line).replace(FACTS, '')]
  })
}

function messageOf(line: string): string {
  try {
    const { message } = JSON.parse(line) as { message?: unknown }
    return typeof message === 'string' ? message : line
  } catch {
    return line
  }
}
