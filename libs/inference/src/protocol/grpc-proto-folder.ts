import { fileURLToPath } from 'node:url';

/** Where the .proto files of what is spoken over gRPC lie: they are read at run time, and tools may read them too. */
export const grpcProtoFolder = fileURLToPath(new URL('../../proto/', import.meta.url));
