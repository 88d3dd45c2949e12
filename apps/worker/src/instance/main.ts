import { readFileSync } from 'node:fs';
import { messageOf } from '@slipway/contracts';
import { InstanceSpec } from '@slipway/inference';
import { InstanceProgram } from './instance-program.js';

/** The program of one instance: `main.js <spec file>`. Prints one line when it cannot go on, and leaves with a status other than 0. */
async function main(): Promise<void> {
  const spec = InstanceSpec.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));
  process.title = `slipway instance ${spec.deploymentName}/${spec.revisionNumber}`;
  const program = new InstanceProgram(spec, (status) => process.exit(status));
  process.on('SIGTERM', () => program.stop());
  // Ctrl-C reaches the whole process group; the supervisor decides when an instance ends, by SIGTERM.
  process.on('SIGINT', () => undefined);
  await program.start();
}

main().catch((error: unknown) => {
  console.error(JSON.stringify({ level: 'error', msg: 'instance failed', reason: messageOf(error) }));
  process.exit(3);
});
