import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Problem, root } from '../steps/command.mjs';
import { codes } from './grpc-wire.mjs';

const protoFile = join(root, 'libs', 'inference', 'proto', 'inference.proto');

/** A client of the gRPC service as anybody writes one: grpc-js with the product's .proto. */
export class GrpcClient {
  constructor(port) {
    if (!existsSync(protoFile)) throw new Problem('There is no libs/inference/proto/inference.proto.');
    const definition = loadSync(protoFile, { keepCase: true, longs: String, defaults: true, oneofs: true });
    const { GRPCInferenceService: Service } = grpc.loadPackageDefinition(definition).inference;
    const options = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
    this.client = new Service(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
  }

  /** One unary call. @returns {code, details, metadata, response}; `code` is the name of the status, `metadata` a plain object */
  call(method, request, { metadata = {}, timeoutMs = 60_000 } = {}) {
    return new Promise((resolve) => {
      const seen = {};
      const note = (given) => Object.assign(seen, given.getMap());
      const deadline = Date.now() + timeoutMs;
      let response;
      const sending = this.client[method](request, metadataOf(metadata), { deadline }, (_error, given) => {
        response = given;
      });
      sending.on('metadata', note);
      sending.on('status', ({ code, details, metadata: trailers }) => {
        note(trailers);
        resolve({ kind: 'gRPC', code: codes[code], details, metadata: seen, response });
      });
    });
  }

  /** Sends requests on one stream and collects what comes back until the server ends it. @returns {code, details, responses} */
  stream(method, requests, { metadata = {}, timeoutMs = 60_000 } = {}) {
    return new Promise((resolve) => {
      const responses = [];
      const sending = this.client[method](metadataOf(metadata), { deadline: Date.now() + timeoutMs });
      sending.on('data', (response) => responses.push(response));
      sending.on('error', () => {});
      sending.on('status', ({ code, details }) => resolve({ code: codes[code], details, responses }));
      for (const request of requests) sending.write(request);
      sending.end();
    });
  }

  close() {
    this.client.close();
  }
}

function metadataOf(plain) {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(plain)) metadata.set(name, value);
  return metadata;
}
