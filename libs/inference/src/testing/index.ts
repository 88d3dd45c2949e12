export {
  type AttributeParts,
  floats,
  type GraphParts,
  type ModelParts,
  type NodeParts,
  type TensorParts,
  type ValueParts,
  writeModel,
} from './model-writer.js';
export { gatherModel, identityModel, identityParts, linearModel, loopModel } from './models.js';
export { waitUntil } from './wait-until.js';
