/** What a person should know of an archive before serving it. */
import type { FileFacts } from '../recognise/index.js'
import { isBuiltInHandler } from './handler-file.js'
import type { Inspection } from './inspection.js'
import { MARINA_FOLDER } from './manifest.js'

/** What the rules look at. */
export type InspectedFacts = Omit<Inspection, 'findings'>

/** The findings of all rules, in their order. */
export function findingsOf(facts: InspectedFacts): string[] {
  return rules.flatMap((rule) => rule(facts))
}

const rules: readonly ((facts: InspectedFacts) => string[])[] = [
  manifestIsThere,
  filesAreThere,
  handlerIsThere,
  modelsAreReadable,
  modelFitsIndex,
  requirementsArePlain,
  examplesAreThere,
]

function manifestIsThere({ rawManifest, manifest }: InspectedFacts): string[] {
  if (!rawManifest)
    return ['There is no MAR-INF/MANIFEST.json: name and handler must be given when it is registered.']
  return [
    ...(manifest.model.modelName
      ? []
      : ['The manifest names no model: a name must be given when it is registered.']),
    ...(manifest.archiverVersion && manifest.createdOn
      ? []
      : [
          'The manifest lacks createdOn or archiverVersion, as before torch-model-archiver 0.2; it loads all the same.',
        ]),
  ]
}

const has = ({ members }: InspectedFacts, name: string) => members.some((member) => member.name === name)

function filesAreThere(facts: InspectedFacts): string[] {
  const { serializedFile, modelFile, requirementsFile, configFile } = facts.manifest.model
  return Object.entries({ serializedFile, modelFile, requirementsFile, configFile }).flatMap(([key, name]) =>
    name && !has(facts, name) ? [`The manifest's ${key} ${JSON.stringify(name)} is not in the archive.`] : [],
  )
}

function handlerIsThere(facts: InspectedFacts): string[] {
  const { runtime, model } = facts.manifest
  const { handler } = model
  if (!handler) return facts.rawManifest ? ['The manifest names no handler.'] : []
  const [file = ''] = handler.split(':')
  // A Node handler without a suffix is one that Marina brings.
  if (isBuiltInHandler(handler) || (runtime === 'node' && !file.includes('.'))) return []
  const places = [file, `${file}.py`, `${file}.so`, `${file}.dylib`]
  return places.some((place) => has(facts, place))
    ? []
    : [`The manifest's handler ${JSON.stringify(handler)} is not in the archive.`]
}

function modelsAreReadable({ models }: InspectedFacts): string[] {
  return models.flatMap(({ member, facts }) => {
    if (facts.kind === 'unreadable') return [`${member} cannot be read as ${facts.format}: ${facts.why}.`]
    if (facts.kind !== 'pickled-module') return []
    const shown = facts.imports.slice(0, 5).join(', ') + (facts.imports.length > 5 ? ', …' : '')
    return [
      `${member} is more than tensors: loading it imports ${shown}. Load it only from someone you trust.`,
    ]
  })
}

function modelFitsIndex({ models }: InspectedFacts): string[] {
  const index = models.find(({ facts }) => facts.kind === 'index')
  const sizes = models.flatMap(({ facts }) => outputSizes(facts))
  if (index?.facts.kind !== 'index' || sizes.length !== 1) return []
  const { dimension } = index.facts
  return sizes[0] === dimension
    ? []
    : [`${index.member} holds vectors of ${dimension} numbers, and the model gives ${sizes[0]}.`]
}

/** The last dimensions of a model's vectors, where they are fixed. */
function outputSizes(facts: FileFacts): number[] {
  if (facts.kind !== 'onnx') return []
  const lasts = facts.outputs.filter(({ shape }) => shape.length === 2).map(({ shape }) => shape[1])
  return lasts.filter((last): last is number => typeof last === 'number')
}

function requirementsArePlain({ requirements }: InspectedFacts): string[] {
  return requirements
    .filter(({ name }) => name === undefined)
    .map(({ text }) => `The requirements have a line that names no package: ${JSON.stringify(text)}.`)
}

function examplesAreThere(facts: InspectedFacts): string[] {
  return (facts.examples?.requests ?? [])
    .filter(({ file }) => !has(facts, `${MARINA_FOLDER}/examples/${file}`))
    .map(
      ({ name, file }) =>
        `The example ${JSON.stringify(name)} has no body: ${MARINA_FOLDER}/examples/${file}.`,
    )
}
