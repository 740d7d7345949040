/** What `marina dev` has ready before a file is saved: the folder of the next generation, with a worker process that waits in it. */
import { existsSync } from 'node:fs'
import {
  openProject,
  reserveGeneration,
  type ProjectGeneration,
  type StateFolders,
} from '../../archive/index.js'
import type { WorkerProcess } from '../../worker/process.js'
import { Standby } from '../../worker/standby.js'

/** The next generation of one project. */
export class NextGeneration {
  readonly standby = new Standby<WorkerProcess>()
  #folders: StateFolders | undefined
  #dir: string | undefined
  #isClosed = false

  /** Opens the project, in the folder that is ready where there is one. Rejects as `openProject`. */
  async open(path: string, folders: StateFolders): Promise<ProjectGeneration> {
    this.#folders = folders
    try {
      const generation = await openProject(path, { ...folders, reservedDir: this.#dir })
      this.#dir = undefined
      return generation
    } catch (error) {
      // A handler that cannot be bundled has not come so far as to use the folder.
      if (this.#dir !== undefined && !existsSync(this.#dir)) this.#dir = undefined
      throw error
    }
  }

  /** Makes the next one ready, unless it is. To be called when the last one serves and its predecessor is gone. */
  async prepare(): Promise<void> {
    if (this.#dir !== undefined || !this.#folders || this.#isClosed) return
    this.#wait(await reserveGeneration(this.#folders))
  }

  #wait(dir: string): void {
    if (this.#isClosed) return
    this.#dir = dir
    this.standby.prepare(dir)
  }

  /** Ends the process; the folder goes with those of the server. */
  close(): void {
    this.#isClosed = true
    this.standby.close()
  }
}
