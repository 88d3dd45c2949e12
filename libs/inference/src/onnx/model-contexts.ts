import { SlipwayError } from '@slipway/contracts';
import { quote } from '../tensors/quote.js';
import type { ExpandableBody } from './expand-functions.js';
import { type DeclaredValue, modelBounds } from './model-facts.js';
import { onnxFields } from './onnx-plan.js';

export interface GraphContext {
  readonly kind: 'graph';
  readonly body: ExpandableBody;
  readonly depth: number;
}
export interface NodeContext {
  readonly kind: 'node';
  readonly graph: GraphContext;
  opType: string;
  domain: string;
  overload: string;
  readonly outputs: string[];
}
export interface AttributeContext {
  readonly kind: 'attribute';
  readonly node: NodeContext | undefined;
  name: string;
  readonly labels: (string | number)[];
}
export interface TensorContext {
  readonly kind: 'tensor';
  readonly graph: GraphContext | undefined;
  readonly isInitializer: boolean;
  name: string;
  dataType: number;
  rawBytes: number | undefined;
  hasTypedData: boolean;
  isExternal: boolean;
  /** Where the data is in another file, as the file says it. */
  readonly external: Map<string, string>;
  readonly dims: number[];
}
export interface ValueContext {
  readonly kind: 'valueInfo';
  readonly into: DeclaredValue[] | undefined;
  name: string;
  valueKind: DeclaredValue['kind'];
  elementType: number;
  dims: (number | string | null)[] | undefined;
}
/** What the collector remembers of a message while it is walked. */
export type Context =
  | { readonly kind: 'model' }
  | { readonly kind: 'opset'; domain: string; version: number }
  | { readonly kind: 'entry'; readonly owner: Context | undefined; key: string; value: string }
  | GraphContext
  | NodeContext
  | AttributeContext
  | TensorContext
  | ValueContext
  | { readonly kind: 'typeOf'; readonly value: ValueContext }
  | { readonly kind: 'dimension'; readonly value: ValueContext; dimension: number | string | null }
  | { readonly kind: 'function'; readonly graph: GraphContext; name: string; domain: string; overload: string }
  | { readonly kind: 'other'; readonly graph: GraphContext | undefined };

/** Kinds of values by their field in TypeProto. */
export const typeKinds = new Map<number, DeclaredValue['kind']>([
  [onnxFields.type.sequence, 'sequence'],
  [onnxFields.type.map, 'map'],
  [onnxFields.type.opaque, 'opaque'],
  [onnxFields.type.sparseTensor, 'sparse tensor'],
  [onnxFields.type.optional, 'optional'],
]);

/** A type belongs to the value that it is declared for; nested types are of no interest. */
export function openType(message: 'type' | 'tensorType' | 'shape', parent: Context | undefined): Context {
  const value = parent?.kind === 'valueInfo' ? parent : parent?.kind === 'typeOf' ? parent.value : undefined;
  if (value === undefined) return { kind: 'other', graph: undefined };
  if (message === 'tensorType') value.valueKind = 'tensor';
  if (message === 'shape') value.dims = [];
  return { kind: 'typeOf', value };
}

/** Adds a dimension of a declared value, within the bound on ranks. */
export function addDimension(value: ValueContext, dimension: number | string | null): void {
  const dims = value.dims ?? [];
  if (dims.length >= modelBounds.rank) throw refused(`${quote(value.name)} has more than ${modelBounds.rank} dimensions`);
  // A negative length is how some exporters write an open dimension.
  dims.push(typeof dimension === 'number' && dimension < 0 ? null : dimension);
  value.dims = dims;
}

/** Adds a dimension of a stored tensor, within the bound on ranks. */
export function addDim(tensor: TensorContext, dim: number): void {
  if (tensor.dims.length >= modelBounds.rank)
    throw refused(`the tensor ${quote(tensor.name)} in the model has more than ${modelBounds.rank} dimensions`);
  tensor.dims.push(dim);
}

/** Keeps a class label of a classifier's attribute. */
export function addLabel(attribute: AttributeContext, label: string | number): void {
  if (attribute.name.startsWith('classlabels_') && attribute.labels.length < modelBounds.classes) attribute.labels.push(label);
}

/** The graph that a message is in. */
export function graphOf(context: Context | undefined): GraphContext | undefined {
  switch (context?.kind) {
    case 'graph':
      return context;
    case 'node':
    case 'function':
      return context.graph;
    case 'attribute':
      return context.node?.graph;
    case 'other':
      return context.graph;
    default:
      return undefined;
  }
}

function refused(reason: string): SlipwayError {
  return new SlipwayError('ARTEFACT_REFUSED', reason);
}
