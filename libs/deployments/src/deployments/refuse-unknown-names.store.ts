import { type RevisionSpec, Signature, SlipwayError, type TensorSignature } from '@slipway/contracts';
import type { Transaction } from '@slipway/platform';

type Named = Pick<RevisionSpec, 'requestSamples' | 'outputRanges' | 'monitoring'>;

/** A name in a spec, where it stands, and what it should be the name of. */
interface Mention {
  readonly path: string;
  readonly name: string;
  readonly of: 'inputs' | 'outputs' | 'input columns';
}

/**
 * Refuses a spec that names an input or output which the version does not have: what was meant to be redacted would be kept as it is, what was
 * meant to be watched would not be. Refuses too what would show an input that is to be redacted.
 * @throws SlipwayError REQUEST_INVALID
 */
export async function refuseUnknownNames(tx: Transaction, versionId: string, spec: Named): Promise<void> {
  refuseRedactedNames(spec.monitoring);
  const mentions = mentionsOf(spec);
  if (mentions.length === 0) return;
  const version = await tx.version.findUniqueOrThrow({ where: { id: versionId }, select: { number: true, signature: true } });
  const signature = Signature.safeParse(version.signature);
  if (!signature.success) return;
  const places = mentions
    .filter((mention) => !isKnown(mention, signature.data))
    .map((mention) => complaintOf(mention, version.number, signature.data));
  const [first] = places;
  if (first === undefined) return;
  throw new SlipwayError('REQUEST_INVALID', `${first.path}: ${first.message}`, { places });
}

/**
 * Slices and join keys stand in records as they are, for everybody who may look at them: an input that is said to be hashed, masked or dropped cannot be
 * one. What becomes of inputs that nothing is said of (`others`) does not speak against it.
 */
function refuseRedactedNames({ slices, joinKey, records }: Named['monitoring']): void {
  const fields = records.inputs?.fields ?? {};
  const named = [
    ...slices.map((name, at) => ({ path: `spec.monitoring.slices.${at}`, name })),
    ...(joinKey === undefined ? [] : [{ path: 'spec.monitoring.joinKey', name: joinKey }]),
  ];
  const places = named.flatMap(({ path, name }) => {
    const how = fields[name] ?? fields[name.replace(/\[\d+\]$/, '')] ?? 'keep';
    if (how === 'keep') return [];
    const message = `${JSON.stringify(name)} would stand in records as it is, while spec.monitoring.records.inputs.fields says "${how}"; expected "keep" there, or another input here`;
    return [{ path, message }];
  });
  const [first] = places;
  if (first !== undefined) throw new SlipwayError('REQUEST_INVALID', `${first.path}: ${first.message}`, { places });
}

function mentionsOf({ requestSamples, outputRanges, monitoring }: Named): Mention[] {
  const { slices, joinKey, records } = monitoring;
  return [
    ...Object.keys(requestSamples?.redact ?? {}).map((name): Mention => ({ path: `spec.requestSamples.redact.${name}`, name, of: 'inputs' })),
    ...(outputRanges ?? []).map(({ output }, at): Mention => ({ path: `spec.outputRanges.${at}.output`, name: output, of: 'outputs' })),
    ...slices.map((name, at): Mention => ({ path: `spec.monitoring.slices.${at}`, name, of: 'input columns' })),
    ...(joinKey === undefined ? [] : [{ path: 'spec.monitoring.joinKey', name: joinKey, of: 'input columns' } as const]),
    ...Object.keys(records.inputs?.fields ?? {}).map(
      (name): Mention => ({ path: `spec.monitoring.records.inputs.fields.${name}`, name, of: 'input columns' }),
    ),
  ];
}

function isKnown({ name, of }: Mention, { inputs, outputs }: Signature): boolean {
  const tensors = of === 'outputs' ? outputs : inputs;
  if (tensors.some((tensor) => tensor.name === name)) return true;
  const [, base, index] = /^(.*)\[(\d+)\]$/s.exec(name) ?? [];
  const tensor = of === 'input columns' ? tensors.find((one) => one.name === base) : undefined;
  return tensor !== undefined && Number(index) < columnsOf(tensor);
}

/** Values of one row; as many as one likes where the model does not say. */
function columnsOf({ shape, unranked }: TensorSignature): number {
  if (unranked === true) return Number.POSITIVE_INFINITY;
  const rest = shape.slice(1);
  return rest.every((size) => size > 0) ? rest.reduce((product, size) => product * size, 1) : Number.POSITIVE_INFINITY;
}

function complaintOf({ path, name, of }: Mention, version: number, { inputs, outputs }: Signature) {
  const known = (of === 'outputs' ? outputs : inputs).map((tensor) => JSON.stringify(tensor.name)).join(', ');
  const form = of === 'input columns' ? '; a value of a longer row is named like name[0]' : '';
  const message = `version ${version} has no ${of === 'outputs' ? 'output' : 'input'} ${JSON.stringify(name)}; it has ${known}${form}`;
  return { path, message };
}
