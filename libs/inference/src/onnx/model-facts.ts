import { type Datatype, limits } from '@slipway/contracts';

/** One declared input or output of a model. */
export interface DeclaredValue {
  readonly name: string;
  /** `undeclared`: the file leaves the type to the runtime. */
  readonly kind: 'tensor' | 'sequence' | 'map' | 'optional' | 'sparse tensor' | 'opaque' | 'undeclared';
  /** The protocol's datatype; absent when it has none for the element type. */
  readonly datatype?: Datatype;
  /** The element type in the runtime's words, for messages. */
  readonly elementType: string;
  /** A number, a symbol, or null for a dimension without either; absent when the file declares no shape. */
  readonly dims?: readonly (number | string | null)[];
}

/** A file beside the model, and how far into it the model reaches. */
export interface ExternalFile {
  readonly name: string;
  /** The end of the last tensor in it, in bytes. */
  readonly endBytes: number;
}

/** What a model file says about itself, read without its weights. */
export interface ModelFacts {
  readonly irVersion: number;
  readonly producer: string | null;
  readonly producerVersion: string | null;
  /** Operator sets by domain; the default domain is `ai.onnx`. */
  readonly opsets: Readonly<Record<string, number>>;
  /** Cut to 4096 characters. */
  readonly docString: string | null;
  /** At most 256, values cut to 4096 characters. */
  readonly properties: Readonly<Record<string, string>>;
  /** All nodes, those of subgraphs and functions included. */
  readonly nodeCount: number;
  /** Nodes by operator; domains other than the default in front. */
  readonly operators: Readonly<Record<string, number>>;
  /** Without initialisers, which older files list among the inputs. */
  readonly inputs: readonly DeclaredValue[];
  readonly outputs: readonly DeclaredValue[];
  /** Files beside the model that hold weights. */
  readonly externalFiles: readonly ExternalFile[];
  /** Class labels that a classifier operator carries, in the order of its scores. */
  readonly classes?: readonly (string | number)[];
  /** The operator that makes each output, by output name; for guessing the task. */
  readonly outputOperators: ReadonlyMap<string, string>;
}

/** Bounds on a model's structure; nothing real comes near them. */
export const modelBounds = {
  nodes: 200_000,
  expandedNodes: 1_000_000,
  initializers: 200_000,
  values: 4_096,
  rank: 64,
  graphDepth: 32,
  functions: 10_000,
  opsets: 64,
  properties: 256,
  shownCharacters: 4_096,
  operators: 1_000,
  externalFiles: limits.externalFiles,
  classes: 10_000,
} as const;
