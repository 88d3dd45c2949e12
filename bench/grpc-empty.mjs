// A grpc-js server that does nothing: it takes the bytes of a request and gives the bytes of an empty answer. Prints its port.
import { Server, ServerCredentials } from '@grpc/grpc-js';

const bytes = (value) => value;
const server = new Server({ 'grpc.max_receive_message_length': -1 });
server.addService(
  {
    ModelInfer: {
      path: '/inference.GRPCInferenceService/ModelInfer',
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    },
  },
  { ModelInfer: (_call, answer) => answer(null, Buffer.alloc(0)) },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${port}\n`);
});
