export { Registry } from 'prom-client';
export * from './instruments/create-registry.js';
export * from './instruments/exposition.js';
export * from './instruments/series-budget.js';
export * from './windows/latency-buckets.js';
export * from './windows/serving-recorder.js';
export * from './windows/serving-sums.js';
export * from './windows/serving-window.js';
