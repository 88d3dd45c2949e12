import { SlipwayError } from '@slipway/contracts';

/** A graph or function body: how many nodes it has, and how often it calls what (by function key; most are plain operators). */
export interface ExpandableBody {
  nodes: number;
  readonly calls: Map<string, number>;
}

/**
 * How many nodes a graph has once every call of a function is replaced by its body, or anything above `bound`.
 * Each function is worked out once, so a file of kilobytes that unfolds to billions costs nothing here.
 * @throws SlipwayError ARTEFACT_REFUSED when functions call each other in a circle.
 */
export function expandedNodeCount(main: ExpandableBody, functions: ReadonlyMap<string, ExpandableBody>, bound: number): number {
  const sizes = new Map<string, number>();
  const open = new Set<string>();
  const sizeOf = (body: ExpandableBody): number => {
    let nodes = body.nodes;
    for (const [key, times] of body.calls) {
      const size = functionSize(key);
      nodes = Math.min(nodes + times * size, bound + 1);
    }
    return nodes;
  };
  const functionSize = (key: string): number => {
    const body = functions.get(key);
    if (body === undefined) return 0;
    const known = sizes.get(key);
    if (known !== undefined) return known;
    if (open.has(key)) throw new SlipwayError('ARTEFACT_REFUSED', "the model's functions call each other in a circle");
    if (open.size >= maxCallDepth) throw new SlipwayError('ARTEFACT_REFUSED', `the model's functions call each other more than ${maxCallDepth} deep`);
    open.add(key);
    const size = sizeOf(body);
    open.delete(key);
    sizes.set(key, size);
    return size;
  };
  return sizeOf(main);
}

const maxCallDepth = 256;
