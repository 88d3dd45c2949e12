import { readFileSync, writeSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { InspectSpec } from '@slipway/inference';
import { endWithParent } from './end-with-parent.js';
import { inspect } from './inspect.js';

// Before the runtime starts its threads, which inherit it: a validation steps back behind models that serve.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
endWithParent();

/** The validation child: `main.js <spec file>` loads and tries one model, writes its report as a line of JSON, and ends. */
const spec = InspectSpec.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));
process.title = `slipway inspect ${spec.digest.slice(0, 12)}`;
const result = await inspect(spec, () => writeLine({ phase: 'loaded' }));
writeLine(result);
// The runtime's own threads may be in no state to end in order.
process.exit(0);

function writeLine(value: unknown): void {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`, 'utf8');
  for (let written = 0; written < bytes.length; ) written += writeSync(1, bytes, written);
}
