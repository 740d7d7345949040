/** `marina/deploy`: new versions to a running server. */
export { deployArchive, type Deployment, type DeployOptions } from './deploy.js'
export type { RegisteredVersion, ServerAddresses } from './management.js'
export { servingVersion } from './serving-version.js'
