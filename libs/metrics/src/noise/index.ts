/** The part that runs inside an instance: plain arithmetic, no package behind it. */
export * from './answer-spread.js';
export * from './noise-bins.js';
export * from './noise-totals.js';
