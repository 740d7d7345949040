/** The analysis as one page: a file that needs nothing else, no script and no network. */
import type { Analysis, Mistake } from './analysis.js'
import { distanceChart } from './chart.js'
import { html, type Html } from './html.js'
import { style } from './style.js'

/** The whole page. */
export function renderReport(analysis: Analysis): string {
  const { accuracy, images, model } = analysis
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${model}: ${percent(accuracy)} of ${images} test images</title>
        <style>
          ${{ html: style }}
        </style>
      </head>
      <body>
        <main>
          ${head(analysis)}
          <div class="pair">
            <section>
              <h2>Each digit</h2>
              ${classTable(analysis)}
            </section>
            <section>
              <h2>What is taken for what</h2>
              ${confusionTable(analysis)}
            </section>
          </div>
          <section>
            <h2>When it does not know</h2>
            <p class="soft">
              How far the nearest stored image is, as squared distance. What lies beyond the dashed line is
              called unknown. Heights are square roots of counts.
            </p>
            ${distanceChart(analysis)}
            <p>${analysis.threshold.description}</p>
          </section>
          <section>
            <h2>The hardest mistakes</h2>
            <p class="soft">
              Wrong answers that were nearest to their neighbours, each with the images that it was found near
              to.
            </p>
            <ul class="mistakes">
              ${analysis.mistakes.map(mistakeCard)}
            </ul>
          </section>
          <section>
            <h2>Where this comes from</h2>
            ${facts(analysis)}
          </section>
        </main>
      </body>
    </html> `
  return page.html
}

/** The figure that counts, and those that come next. */
function head({ model, accuracy, correct, images, createdAt, threshold, latencyMs }: Analysis): Html {
  const tile = (name: string, value: string) =>
    html`<div>
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>`
  return html`<header>
    <div>
      <h1>How good is <strong>${model}</strong>?</h1>
      <p class="figure">${percent(accuracy)}</p>
      <p class="soft">of the test images are answered rightly</p>
    </div>
    <dl class="tiles">
      ${[
        tile('right', correct.toLocaleString('en')),
        tile('wrong', (images - correct).toLocaleString('en')),
        tile('unknown beyond', threshold.distance.toFixed(3)),
        tile('one search, median', `${latencyMs.p50.toFixed(2)} ms`),
        tile('made, UTC', createdAt.slice(0, 16).replace('T', ' ')),
      ]}
    </dl>
  </header>`
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

function classTable({ classes }: Analysis): Html {
  const rows = classes.map(
    ({ label, count, precision, recall }) =>
      html`<tr>
        <th scope="row">${label}</th>
        <td>${count}</td>
        <td>${percent(precision)}</td>
        <td>${percent(recall)}</td>
      </tr>`,
  )
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Figures of each digit">
    <table>
      <caption>
        Precision: how often an answer is right. Recall: how many images are found.
      </caption>
      <thead>
        <tr>
          <th scope="col">digit</th>
          <th scope="col">images</th>
          <th scope="col">precision</th>
          <th scope="col">recall</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`
}

function confusionTable({ classes, confusion }: Analysis): Html {
  const most = Math.max(1, ...confusion.flatMap((counts, row) => counts.filter((_, at) => at !== row)))
  const shade = (count: number, isHit: boolean) =>
    isHit ? 'hit' : count === 0 ? 'none' : `miss-${Math.ceil((3 * count) / most)}`
  const rows = confusion.map((counts, row) => {
    const cells = counts.map(
      (count, column) => html`<td class="${shade(count, row === column)}">${count === 0 ? '·' : count}</td>`,
    )
    return html`<tr>
      <th scope="row">${classes[row]?.label ?? ''}</th>
      ${cells}
    </tr>`
  })
  const heads = classes.map(({ label }) => html`<th scope="col">${label}</th>`)
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix">
    <table class="matrix">
      <caption>
        Rows: what the image is. Columns: what was answered.
      </caption>
      <thead>
        <tr>
          <td></td>
          ${heads}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`
}

function mistakeCard({ id, label, pred, dist, image, neighbours }: Mistake): Html {
  const near = neighbours.map(
    (row) =>
      html`<figure>
        <img src="${row.image}" width="40" height="40" alt="index image ${row.id}, a ${row.label}" />
        <figcaption>${row.label}</figcaption>
      </figure>`,
  )
  return html`<li>
    <img class="asked" src="${image}" width="92" height="92" alt="test image ${id}" />
    <div>
      <p class="verdict"><strong>${label}</strong> taken for <strong class="said">${pred}</strong></p>
      <p class="soft">distance ${dist.toFixed(3)}, image ${id}</p>
      <div class="near">${near}</div>
    </div>
  </li>`
}

function facts({ provenance, latencyMs }: Analysis): Html {
  const latency = `median ${latencyMs.p50.toFixed(2)} ms, 99 % within ${latencyMs.p99.toFixed(2)} ms`
  const rows = Object.entries({ ...provenance, 'one search': latency }).map(
    ([name, value]) =>
      html`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`,
  )
  return html`<dl class="facts">${rows}</dl>`
}
