/** `marina/vector`: nearest-neighbour indexes, in memory and in files that faiss reads and writes too. */
export { buildIndex, openIndex, saveIndex, type IndexOptions, type OpenOptions } from './store.js'
export type { IndexContents, IndexInput, StoredIndex } from './contents.js'
export { decodeLabels, type LabelColumn } from './labels.js'
export type { Index, IndexInfo, Metric, Neighbour } from './neighbours.js'
