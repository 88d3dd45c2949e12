import { SlipwayError } from '@slipway/contracts';
import { datatypeFacts, datatypeOfOnnx, onnxTypeName } from '../tensors/datatypes.js';
import { quote } from '../tensors/quote.js';
import { type ExpandableBody, expandedNodeCount } from './expand-functions.js';
import { externalKeys, externalPlace } from './external-place.js';
import {
  type AttributeContext,
  addDim,
  addDimension,
  addLabel,
  type Context,
  graphOf,
  type NodeContext,
  openType,
  type TensorContext,
  typeKinds,
  type ValueContext,
} from './model-contexts.js';
import { type DeclaredValue, type ModelFacts, modelBounds } from './model-facts.js';
import { type OnnxMessage, onnxFields } from './onnx-plan.js';
import type { WalkVisitor } from './protobuf-walker.js';

/** Collects the facts of a model from a walk over its file, within bounds, and refuses what no runtime should be given. */
export class ModelCollector implements WalkVisitor<OnnxMessage, Context> {
  private irVersion = 0;
  private producer: string | null = null;
  private producerVersion: string | null = null;
  private docString: string | null = null;
  private readonly opsets = new Map<string, number>();
  private readonly properties = new Map<string, string>();
  private readonly operators = new Map<string, number>();
  private readonly inputs: DeclaredValue[] = [];
  private readonly outputs: DeclaredValue[] = [];
  private readonly initializers = new Set<string>();
  private readonly externalEnds = new Map<string, number>();
  private readonly producers = new Map<string, string>();
  private readonly functions = new Map<string, ExpandableBody>();
  private readonly main: ExpandableBody = { nodes: 0, calls: new Map() };
  private classes: (string | number)[] | undefined;
  private nodeCount = 0;
  private initializerCount = 0;
  private hasGraph = false;

  open(message: OnnxMessage, field: number, parent: Context | undefined): Context {
    switch (message) {
      case 'model':
        return { kind: 'model' };
      case 'opset':
        return { kind: 'opset', domain: '', version: 0 };
      case 'entry':
        return { kind: 'entry', owner: parent, key: '', value: '' };
      case 'graph':
        return this.openGraph(parent);
      case 'function':
        return this.openFunction();
      case 'node':
        return this.openNode(parent);
      case 'attribute':
        return { kind: 'attribute', node: parent?.kind === 'node' ? parent : undefined, name: '', labels: [] };
      case 'tensor':
        return this.openTensor(field, parent);
      case 'sparseTensor':
        return { kind: 'other', graph: graphOf(parent) };
      case 'valueInfo':
        return this.openValue(field, parent);
      case 'type':
      case 'tensorType':
      case 'shape':
        return openType(message, parent);
      case 'dimension':
        return parent?.kind === 'typeOf' ? { kind: 'dimension', value: parent.value, dimension: null } : { kind: 'other', graph: undefined };
    }
  }

  varint(context: Context, field: number, value: number): void {
    if (context.kind === 'model') this.irVersion = value;
    else if (context.kind === 'opset') context.version = value;
    else if (context.kind === 'dimension') context.dimension = value;
    else if (context.kind === 'typeOf') context.value.elementType = value;
    else if (context.kind === 'attribute') addLabel(context, value);
    else if (context.kind === 'tensor') {
      if (field === onnxFields.tensor.dims) addDim(context, value);
      else if (field === onnxFields.tensor.dataType) context.dataType = value;
      else if (value === 1) context.isExternal = true;
    }
  }

  text(context: Context, field: number, text: string): void {
    switch (context.kind) {
      case 'model':
        if (field === onnxFields.model.producer) this.producer = shown(text);
        else if (field === onnxFields.model.producerVersion) this.producerVersion = shown(text);
        else this.docString = shown(text);
        return;
      case 'opset':
        context.domain = text;
        return;
      case 'entry':
        if (field === onnxFields.entry.key) context.key = text;
        else context.value = text;
        return;
      case 'node':
        if (field === onnxFields.node.output) context.outputs.push(text);
        else if (field === onnxFields.node.opType) context.opType = text;
        else if (field === onnxFields.node.domain) context.domain = text;
        else context.overload = text;
        return;
      case 'attribute':
        if (field === onnxFields.attribute.name) context.name = text;
        else addLabel(context, text);
        return;
      case 'tensor':
      case 'valueInfo':
        context.name = text;
        return;
      case 'dimension':
        context.dimension = text === '' ? null : text;
        return;
      case 'function':
        if (field === onnxFields.function.name) context.name = text;
        else if (field === onnxFields.function.domain) context.domain = text;
        else context.overload = text;
        return;
      default:
        return;
    }
  }

  length(context: Context, field: number, bytes: number): void {
    if (context.kind === 'tensor') {
      if (field === onnxFields.tensor.rawData) context.rawBytes = bytes;
      else if (bytes > 0) context.hasTypedData = true;
    } else if (context.kind === 'typeOf') context.value.valueKind = typeKinds.get(field) ?? 'opaque';
  }

  close(context: Context): void {
    if (context.kind === 'opset') this.addOpset(context.domain, context.version);
    else if (context.kind === 'entry') this.addEntry(context.owner, context.key, context.value);
    else if (context.kind === 'node') this.closeNode(context);
    else if (context.kind === 'attribute') this.closeAttribute(context);
    else if (context.kind === 'tensor') this.closeTensor(context);
    else if (context.kind === 'valueInfo') this.closeValue(context);
    else if (context.kind === 'dimension') addDimension(context.value, context.dimension);
    else if (context.kind === 'function') this.closeFunction(context);
  }

  /** @throws SlipwayError ARTEFACT_REFUSED when what was collected is no model, or one that must not reach a runtime. */
  finish(): ModelFacts {
    if (this.irVersion < 1) throw refused('the file is not an ONNX model: it has no IR version');
    if (!this.hasGraph) throw refused('the file is not a whole ONNX model: it has no graph; it may be truncated');
    if (this.opsets.size === 0) throw refused('the file is not a whole ONNX model: it names no operator set; it may be truncated');
    const expanded = expandedNodeCount(this.main, this.functions, modelBounds.expandedNodes);
    if (expanded > modelBounds.expandedNodes) {
      throw refused(`the model's functions unfold to more than ${modelBounds.expandedNodes} nodes`);
    }
    const inputs = this.inputs.filter((input) => !this.initializers.has(input.name));
    const outputOperators = new Map(this.outputs.map(({ name }) => [name, this.producers.get(name) ?? '']));
    return {
      irVersion: this.irVersion,
      producer: this.producer,
      producerVersion: this.producerVersion,
      opsets: Object.fromEntries(this.opsets),
      docString: this.docString,
      properties: Object.fromEntries(this.properties),
      nodeCount: this.nodeCount,
      operators: Object.fromEntries(this.operators),
      inputs,
      outputs: this.outputs,
      externalFiles: [...this.externalEnds].map(([name, endBytes]) => ({ name, endBytes })),
      outputOperators,
      ...(this.classes === undefined ? {} : { classes: this.classes }),
    };
  }

  private openGraph(parent: Context | undefined): Context {
    if (parent?.kind === 'model') {
      if (this.hasGraph) throw refused('the file holds two graphs: it is not a valid ONNX model');
      this.hasGraph = true;
      return { kind: 'graph', body: this.main, depth: 0 };
    }
    const outer = graphOf(parent);
    const depth = (outer?.depth ?? 0) + 1;
    if (depth > modelBounds.graphDepth) throw refused(`the model nests graphs more than ${modelBounds.graphDepth} deep`);
    return { kind: 'graph', body: outer?.body ?? this.main, depth };
  }

  private openFunction(): Context {
    if (this.functions.size >= modelBounds.functions) throw refused(`the model has more than ${modelBounds.functions} functions`);
    return { kind: 'function', graph: { kind: 'graph', body: { nodes: 0, calls: new Map() }, depth: 0 }, name: '', domain: '', overload: '' };
  }

  private openNode(parent: Context | undefined): Context {
    if (++this.nodeCount > modelBounds.nodes) throw refused(`the model has more than ${modelBounds.nodes} nodes`);
    const graph = graphOf(parent) ?? { kind: 'graph', body: this.main, depth: 0 };
    return { kind: 'node', graph, opType: '', domain: '', overload: '', outputs: [] };
  }

  private openTensor(field: number, parent: Context | undefined): Context {
    const isInitializer = parent?.kind === 'graph' && field === onnxFields.graph.initializer;
    if (isInitializer && ++this.initializerCount > modelBounds.initializers) {
      throw refused(`the model has more than ${modelBounds.initializers} initialisers`);
    }
    const graph = graphOf(parent);
    return {
      kind: 'tensor',
      graph,
      isInitializer,
      name: '',
      dataType: 0,
      rawBytes: undefined,
      hasTypedData: false,
      isExternal: false,
      external: new Map(),
      dims: [],
    };
  }

  private openValue(field: number, parent: Context | undefined): Context {
    const isTop = parent?.kind === 'graph' && parent.body === this.main && parent.depth === 0;
    const into = isTop ? (field === onnxFields.graph.input ? this.inputs : this.outputs) : undefined;
    if (into !== undefined && into.length >= modelBounds.values + this.initializers.size) {
      throw refused(`the model has more than ${modelBounds.values} inputs or outputs`);
    }
    return { kind: 'valueInfo', into, name: '', valueKind: 'undeclared', elementType: 0, dims: undefined };
  }

  private addOpset(domain: string, version: number): void {
    if (domain !== '__proto__' && this.opsets.size < modelBounds.opsets) this.opsets.set(domain === '' ? 'ai.onnx' : shown(domain), version);
  }

  private addEntry(owner: Context | undefined, key: string, value: string): void {
    if (owner?.kind === 'model') {
      // A key that objects treat as something else is of no use to anybody who reads the properties.
      if (key !== '__proto__' && this.properties.size < modelBounds.properties) this.properties.set(shown(key), shown(value));
    } else if (owner?.kind === 'tensor') {
      owner.isExternal = true;
      if (!externalKeys.has(key)) return;
      if (owner.external.has(key)) throw refused(`the tensor ${quote(owner.name)} in the model says twice where its data is`);
      owner.external.set(key, value);
    }
  }

  private closeNode(node: NodeContext): void {
    const operator = node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`;
    const known = this.operators.get(operator);
    if (operator !== '__proto__' && (known !== undefined || this.operators.size < modelBounds.operators))
      this.operators.set(operator, (known ?? 0) + 1);
    if (node.opType === 'EPContext')
      throw refused('the model holds an EPContext node, which stands for a file compiled for one device; export it as plain ONNX');
    const { body, depth } = node.graph;
    body.nodes++;
    const call = functionKey(node.domain, node.opType, node.overload);
    body.calls.set(call, (body.calls.get(call) ?? 0) + 1);
    if (body === this.main && depth === 0) for (const output of node.outputs) this.producers.set(output, node.opType);
  }

  private closeAttribute(attribute: AttributeContext): void {
    // In a chain of classifier and ZipMap both carry the labels; the last one is nearest to the output.
    if (attribute.labels.length > 0) this.classes = attribute.labels;
  }

  private closeTensor(tensor: TensorContext): void {
    if (tensor.isInitializer && tensor.graph?.body === this.main && tensor.graph.depth === 0) this.initializers.add(tensor.name);
    if (tensor.dims.some((dim) => dim < 0 || !Number.isSafeInteger(dim))) {
      throw refused(`the tensor ${quote(tensor.name)} in the model has an impossible shape ${JSON.stringify(tensor.dims)}`);
    }
    if (tensor.isExternal) {
      this.addExternal(tensor);
      return;
    }
    if (tensor.rawBytes === undefined) return;
    if (tensor.hasTypedData && tensor.rawBytes > 0) throw refused(`the tensor ${quote(tensor.name)} in the model holds its data twice`);
    const datatype = datatypeOfOnnx(tensor.dataType);
    if (datatype === undefined || datatype === 'BYTES') return;
    const expected = tensor.dims.reduce((product, dim) => product * dim, datatypeFacts[datatype].bytes);
    if (expected !== tensor.rawBytes && !tensor.hasTypedData) {
      throw refused(
        `the tensor ${quote(tensor.name)} in the model holds ${tensor.rawBytes} bytes, its shape ${JSON.stringify(tensor.dims)} needs ${expected}`,
      );
    }
  }

  private addExternal(tensor: TensorContext): void {
    if ((tensor.rawBytes ?? 0) > 0 || tensor.hasTypedData) throw refused(`the tensor ${quote(tensor.name)} in the model holds its data twice`);
    const { name, endBytes } = externalPlace(tensor);
    const known = this.externalEnds.get(name);
    if (known === undefined && this.externalEnds.size >= modelBounds.externalFiles) {
      throw refused(`the model keeps weights in more than ${modelBounds.externalFiles} files`);
    }
    this.externalEnds.set(name, Math.max(known ?? 0, endBytes));
  }

  private closeValue(value: ValueContext): void {
    if (value.into === undefined) return;
    const datatype = datatypeOfOnnx(value.elementType);
    value.into.push({
      name: value.name,
      kind: value.valueKind,
      elementType: onnxTypeName(value.elementType),
      ...(datatype === undefined ? {} : { datatype }),
      ...(value.dims === undefined ? {} : { dims: value.dims }),
    });
  }

  private closeFunction(context: Extract<Context, { kind: 'function' }>): void {
    this.functions.set(functionKey(context.domain, context.name, context.overload), context.graph.body);
  }
}

function functionKey(domain: string, name: string, overload: string): string {
  return JSON.stringify([domain, name, overload]);
}

function shown(text: string): string {
  return text.slice(0, modelBounds.shownCharacters);
}

function refused(reason: string): SlipwayError {
  return new SlipwayError('ARTEFACT_REFUSED', reason);
}
