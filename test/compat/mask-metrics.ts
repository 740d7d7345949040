/** What of metrics cannot be equal in two runs: host, times, and what was measured. */
const MEASURED =
  'QueueTime|WorkerThreadTime|WorkerLoadTime|ts_inference_latency_microseconds|ts_queue_latency_microseconds|' +
  'CPUUtilization|Memory\\w+|Disk\\w+|GPU\\w+|PredictionTime|HandlerTime|inference_\\w+'

const SAMPLE = new RegExp(`^((?:${MEASURED})(?:_bucket|_sum|_count)?(?:\\{.*\\})?) \\S+$`, 'gm')
const LINE_VALUE = new RegExp(`^((?:${MEASURED})\\.\\w+):[^|]+`, 'gm')

/** A scrape with its families in alphabetical order, as their order is free; anything else as it is. */
export function maskedFamilies(body: string): string {
  if (!body.startsWith('# HELP')) return body
  const families = body.trimEnd().split(/\n(?=# HELP)/)
  return `${families.map(inOrder).sort().join('\n')}\n`
    .replace(/([Hh]ostname)="[^"]*"/g, '$1="HOST"')
    .replace(SAMPLE, '$1 VALUE')
}

/** Series stand in any order; the parts of a histogram do not. */
function inOrder(family: string): string {
  const lines = family.split('\n')
  const isPart = (line: string) => /^\w+_(bucket|count|sum)\{/.test(line)
  const head = lines.filter((line) => line.startsWith('#'))
  const samples = lines.filter((line) => !line.startsWith('#'))
  return [...head, ...(samples.some(isPart) ? samples : samples.sort())].join('\n')
}

/** Lines of a log without their times, each once, in alphabetical order. */
export function maskedLines(text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '')
  return [...new Set(lines.map(maskedLine))].sort()
}

const maskedLine = (line: string): string =>
  line
    .replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{3} - /, '')
    .replace(/\|#hostname:[^,]+,/, '|#hostname:HOST,')
    .replace(/timestamp:\d{10}$/, 'timestamp:TIME')
    .replace(LINE_VALUE, '$1:VALUE')
    // Access lines: the client's port, and milliseconds.
    .replace(/^\/127\.0\.0\.1:\d+ (.*) \d+$/, '/127.0.0.1:PORT $1 MS')
