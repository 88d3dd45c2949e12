/** The artefact store of this installation, injected by this token. */
export const ARTEFACTS = Symbol('artefact store');
