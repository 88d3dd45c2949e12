import type { Signature } from '@slipway/contracts';
import type { ModelFacts } from '@slipway/inference';
import { keepable, type VersionMetadata } from '@slipway/registry';

/** What a file says about itself, as it is kept: texts without the characters that the database cannot keep. */
export function toMetadata(facts: ModelFacts): VersionMetadata {
  return {
    irVersion: facts.irVersion,
    producer: textOrNull(facts.producer),
    producerVersion: textOrNull(facts.producerVersion),
    opsets: mapKeys(facts.opsets, (value) => value),
    docString: textOrNull(facts.docString),
    properties: mapKeys(facts.properties, keepable),
    nodeCount: facts.nodeCount,
    operators: mapKeys(facts.operators, (value) => value),
  };
}

/** The outputs as far as the file declares them, for checking a task before the model was ever loaded. */
export function declaredOutputs(facts: ModelFacts): Pick<Signature, 'outputs'> {
  return {
    outputs: facts.outputs.map((output) => ({
      name: output.name,
      // Without a declaration the runtime will say it later; here any number does.
      datatype: output.datatype ?? 'FP32',
      shape: (output.dims ?? [-1]).map((dim) => (typeof dim === 'number' && dim >= 0 ? dim : -1)),
      ...(output.dims === undefined ? { unranked: true } : {}),
    })),
  };
}

function mapKeys<In, Out>(record: Readonly<Record<string, In>>, toValue: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [keepable(key), toValue(value)]));
}

function textOrNull(text: string | null): string | null {
  return text === null ? null : keepable(text);
}
