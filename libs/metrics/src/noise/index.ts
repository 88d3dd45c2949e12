/** The part that runs inside an instance: plain arithmetic, no package behind it. */
export { seededRandom } from '../evaluation/seeded-random.js';
export * from './answer-spread.js';
export * from './input-spreads.js';
export * from './noise-bins.js';
export { noiseReferenceOf } from './noise-reference.js';
export * from './noise-totals.js';
