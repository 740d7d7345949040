// Loads the project as it is and asks it, as `marina dev` and the server would. Run it with: npm test
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { load } from 'marina'

let model
before(async () => {
  model = await load(new URL('..', import.meta.url))
})
after(() => model.close())

test('a flower with small petals is a setosa', async () => {
  const flower = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 }
  const { species, probability } = await model.predict(flower)
  assert.equal(species, 'setosa')
  assert.ok(probability > 0.9)
})

test('a flower without petals is refused with the reason', async () => {
  await assert.rejects(model.predict({ sepalLength: 5.1, sepalWidth: 3.5 }), /petalLength is undefined/)
})
