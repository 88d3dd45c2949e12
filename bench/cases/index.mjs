import { anomalies } from './anomalies.mjs';
import { compute } from './compute.mjs';
import { estimates } from './estimates.mjs';
import { grpc } from './grpc.mjs';
import { image } from './image.mjs';
import { mixed } from './mixed.mjs';
import { monitoring } from './monitoring.mjs';
import { largeJson, loading } from './neighbours.mjs';
import { noise } from './noise.mjs';
import { outage } from './outage.mjs';
import { expired, overload, priority } from './overload.mjs';
import { planner } from './planner.mjs';
import { profileYear } from './profile-year.mjs';
import { records } from './records.mjs';
import { registry } from './registry.mjs';
import { rollouts } from './rollouts.mjs';
import { binary, json, lowLoad, rows64 } from './tiny.mjs';
import { batching, instanceMemory, manyDeployments, watching } from './variants.mjs';

/** In the order of a run; the names select them at the command line. */
export const cases = {
  memory: instanceMemory,
  json,
  binary,
  'low-load': lowLoad,
  rows64,
  grpc,
  image,
  compute,
  mixed,
  batching,
  watching,
  noise,
  deployments: manyDeployments,
  overload,
  priority,
  expired,
  loading,
  'large-json': largeJson,
  outage,
  records,
  registry,
  rollouts,
  planner,
  'profile-year': profileYear,
  anomalies,
  estimates,
  monitoring,
};
