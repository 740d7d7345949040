/** The `Server-Timing` header: where the time of a request went, in milliseconds (W3C Server Timing). */
import type { Timing } from '../serving/job.js'

/** Three digits after the point, put together from small integers: `toFixed` is 2 µs of CPU time a request. */
function ms(value: number): string {
  if (!(value > 0)) return '0.000'
  const us = Math.round(value * 1000)
  const whole = Math.floor(us / 1000)
  return `${whole}.${thousandths[us - 1000 * whole] ?? ''}`
}

const thousandths = Array.from({ length: 1000 }, (_, us) => String(us).padStart(3, '0'))

/**
 * `decode`, `queue`, the handler's three phases and `total`. What `total` has beyond their sum is transfer between
 * server and worker, and waiting for the rest of the batch.
 */
export function serverTiming(timing: Timing, nowMs: number): string {
  const { receivedMs, acceptedMs, startedMs, handler } = timing
  let text = `decode;dur=${ms(acceptedMs - receivedMs)}`
  if (startedMs > 0) text += `, queue;dur=${ms(startedMs - acceptedMs)}`
  if (handler)
    text +=
      `, preprocess;dur=${ms(handler.preprocessUs / 1000)}, inference;dur=${ms(handler.inferenceUs / 1000)}` +
      `, postprocess;dur=${ms(handler.postprocessUs / 1000)}`
  return `${text}, total;dur=${ms(nowMs - receivedMs)}`
}
