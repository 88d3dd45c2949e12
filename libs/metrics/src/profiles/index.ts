// What an instance may import of this library: pure, no database, no queue, no framework.
export {
  bareLayout,
  type ColumnValues,
  columnsPerRow,
  edgesOf,
  freezeLayout,
  type LayoutOptions,
  layoutOf,
  rowAxisOf,
  widthOf,
} from './build-layout.js';
export { countColumns } from './count-columns.js';
export { type LayoutSource, noLayouts } from './layout-source.js';
export { decodeLearnedRows, encodeLearnedRows, joinLearnedRows, type LearnedRows, learnedRowsPurpose } from './learned-rows.js';
export { emptyCounts, mergeProfiles, ProfileSum } from './merge-profiles.js';
export { finiteOf } from './moments.js';
export { decodeProfile, encodeProfile } from './profile-codec.js';
export { type BlockListener, type HeldInputs, ProfileCounter } from './profile-counter.js';
export { profileHourMs, profileWindowMs, profileWindowOf } from './profile-spans.js';
export type { ProfiledData, ProfiledTensor } from './profiled-tensor.js';
export { PredictionReader, predictionColumn, scoreColumn } from './read-predictions.js';
export { estimateUnseen } from './unseen-sketch.js';
