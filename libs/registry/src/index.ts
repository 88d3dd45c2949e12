export * from './artefacts/artefact-store.js';
export * from './artefacts/file-artefact-store.js';
export * from './artefacts/materialise-artefact.js';
export * from './artefacts/open-artefact-store.js';
export { tooLarge } from './artefacts/write-staged.js';
