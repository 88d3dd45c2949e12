import { type RevisionSpec, Signature, SlipwayError } from '@slipway/contracts';
import type { Transaction } from '@slipway/platform';

/**
 * Refuses a spec that redacts an input which the version does not have: under another name, what was meant to be redacted would be kept as it is.
 * @throws SlipwayError REQUEST_INVALID
 */
export async function refuseUnknownRedactions(
  tx: Transaction,
  versionId: string,
  { requestSamples }: Pick<RevisionSpec, 'requestSamples'>,
): Promise<void> {
  const names = Object.keys(requestSamples?.redact ?? {});
  if (names.length === 0) return;
  const version = await tx.version.findUniqueOrThrow({ where: { id: versionId }, select: { number: true, signature: true } });
  const signature = Signature.safeParse(version.signature);
  if (!signature.success) return;
  const inputs = signature.data.inputs.map((input) => input.name);
  const unknown = names.filter((name) => !inputs.includes(name));
  if (unknown.length === 0) return;
  const message = `version ${version.number} has no input of that name; it has ${inputs.map((name) => JSON.stringify(name)).join(', ')}`;
  throw new SlipwayError('REQUEST_INVALID', `spec.requestSamples.redact: ${unknown.map((name) => JSON.stringify(name)).join(', ')}: ${message}`, {
    places: unknown.map((name) => ({ path: `spec.requestSamples.redact.${name}`, message })),
  });
}
