import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { describe, expect, it } from 'vitest';
import { loadGrpcSchema } from './grpc-schema.js';
import { protocolMethods } from './protocol-methods.js';

const nothing = {
  isReady: true,
  routing: { find: () => undefined, in: () => [] },
  statistics: { of: () => [] },
};

describe('loadGrpcSchema', () => {
  it('has a handler for every method of the service, and none for a method that is not there', () => {
    const { methods } = loadGrpcSchema('inference');
    const handlers = protocolMethods(nothing, { serverName: 'slipway', serverVersion: '0' });
    expect([...Object.keys(handlers), 'ModelInfer', 'ModelStreamInfer'].toSorted()).toEqual(methods.toSorted());
  });

  it('describes the file as a compiler would: entries of maps are named after their field', () => {
    const { file, fileName, symbols } = loadGrpcSchema('inference');
    const described = descriptor.FileDescriptorProto.decode(file);
    expect([described['name'], fileName]).toEqual(['inference.proto', 'inference.proto']);
    const read = protobuf.Root.fromDescriptor({ file: [Object(described)] });
    expect(Object.keys(read.lookupType('inference.ModelInferRequest').fields)).toContain('parameters');
    const text = file.toString('latin1');
    for (const entry of ['ParametersEntry', 'PriorityQueuePolicyEntry', 'ResponseStatsEntry', 'SettingsEntry', 'RegionsEntry', 'PropertiesEntry'])
      expect(text).toContain(entry);
    expect(symbols).toEqual(
      expect.arrayContaining([
        'inference.GRPCInferenceService',
        'inference.GRPCInferenceService.ModelInfer',
        'inference.ModelInferRequest.InferInputTensor',
        'inference.DataType',
      ]),
    );
  });

  it('reads and writes 64-bit integers as numbers, and fills in what was not sent', () => {
    const codec = loadGrpcSchema('inference').codec('ModelStatistics');
    const fields = codec.decode(codec.encode({ name: 'm', inference_count: 2 ** 52 }));
    expect(fields).toMatchObject({ name: 'm', version: '', inference_count: 2 ** 52, batch_stats: [] });
  });
});
