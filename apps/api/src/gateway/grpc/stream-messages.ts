import { GrpcWriter, sizeOfField, sizeOfText } from '@slipway/inference';

const none = Buffer.alloc(0);
/** The entry `triton_final_response` of a response's parameters, as its field 4: true closes what one request has led to. */
const isFinal = finalEntry(true);
const isNotFinal = finalEntry(false);

/**
 * ModelStreamInferResponse around the bytes of a ModelInferResponse.
 * @param marksFinal its caller asked for a closing empty response, so this one says that it is not the last.
 */
export function resultMessage(response: Buffer, marksFinal: boolean): Buffer {
  const mark = marksFinal ? isNotFinal : none;
  const size = response.length + mark.length;
  const writer = new GrpcWriter(sizeOfField(size));
  writer.open(2, size);
  writer.raw(response);
  writer.raw(mark);
  return writer.bytes;
}

/** The closing response without outputs. */
export function emptyFinalMessage({
  modelName,
  modelVersion,
  id,
}: {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
}): Buffer {
  const size = sizeOfText(modelName) + sizeOfText(modelVersion) + sizeOfText(id) + isFinal.length;
  const writer = new GrpcWriter(sizeOfField(size));
  writer.open(2, size);
  writer.text(1, modelName);
  writer.text(2, modelVersion);
  writer.text(3, id);
  writer.raw(isFinal);
  return writer.bytes;
}

/** The failure of one request, with its id so that its caller knows which. */
export function errorMessage(error: string, id: string, marksFinal: boolean): Buffer {
  const mark = marksFinal ? isFinal : none;
  const size = sizeOfText(id) + mark.length;
  const writer = new GrpcWriter(sizeOfText(error) + sizeOfField(size));
  writer.text(1, error);
  writer.open(2, size);
  writer.text(3, id);
  writer.raw(mark);
  return writer.bytes;
}

/** A map entry: key 1, value 2, in it `bool_param` 1. */
function finalEntry(value: boolean): Buffer {
  const name = 'triton_final_response';
  const size = sizeOfText(name) + sizeOfField(2);
  const writer = new GrpcWriter(sizeOfField(size));
  writer.open(4, size);
  writer.text(1, name);
  writer.open(2, 2);
  writer.varint(8);
  writer.varint(value ? 1 : 0);
  return writer.bytes;
}
