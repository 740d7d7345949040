/** What the analysis found: `analysis.json`, and what the page shows. */
import type { NeighbourPicture } from '../thumbnails.js'

/** How one class fared on the test images. */
export interface ClassFigures {
  readonly label: string
  readonly count: number
  readonly precision: number
  readonly recall: number
}

/** A test image that was answered wrongly. */
export interface Mistake {
  /** Row in MNIST's test file. */
  readonly id: number
  readonly label: string
  readonly pred: string
  readonly dist: number
  /** PNG as data URL. */
  readonly image: string
  readonly neighbours: readonly NeighbourPicture[]
}

/** The whole analysis. */
export interface Analysis {
  readonly model: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly images: number
  readonly correct: number
  /** 0 to 1. */
  readonly accuracy: number
  readonly classes: readonly ClassFigures[]
  /** Rows: true class; columns: answer; in the order of `classes`. */
  readonly confusion: readonly (readonly number[])[]
  /** Counts of distances between `edges`, one more than there are counts; the last bin takes what lies beyond. */
  readonly histograms: {
    readonly edges: readonly number[]
    readonly right: readonly number[]
    readonly wrong: readonly number[]
    readonly foreign: readonly number[]
  }
  /** Beyond this distance an answer is called unknown. */
  readonly threshold: { readonly distance: number; readonly rate: number; readonly description: string }
  readonly mistakes: readonly Mistake[]
  /** Of one search in the index. */
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p99: number }
  readonly provenance: Readonly<Record<string, string | number>>
}

/** One clause of the gate. */
export interface GateClause {
  readonly clause: string
  readonly ok: boolean
  readonly value: string
  readonly bound: string
}
