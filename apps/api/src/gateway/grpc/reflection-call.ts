import type { FrameBody } from '@slipway/inference';
import { type CallParts, GrpcCall, joined } from './grpc-call.js';
import type { Codec, Fields, GrpcSchema } from './grpc-schema.js';
import { grpcStatus } from './grpc-status.js';

/** What can be asked about, ready to be sent. */
export class ReflectionFiles {
  private readonly services: readonly { readonly name: string }[];
  private readonly bySymbol = new Map<string, Buffer>();
  private readonly byFileName = new Map<string, Buffer>();

  constructor(schemas: readonly GrpcSchema[]) {
    this.services = schemas.map(({ service }) => ({ name: service }));
    for (const { file, fileName, symbols } of schemas) {
      this.byFileName.set(fileName, file);
      for (const symbol of symbols) this.bySymbol.set(symbol, file);
    }
  }

  /** Answers one request of the reflection protocol. Nothing here has extensions: proto3 has none. */
  answer(request: Fields): Fields {
    const asked = request['message_request'];
    const text = typeof asked === 'string' && typeof request[asked] === 'string' ? request[asked] : '';
    const about = { valid_host: request['host'], original_request: request };
    switch (asked) {
      case 'list_services':
        return { ...about, list_services_response: { service: this.services } };
      case 'file_containing_symbol':
        return { ...about, ...fileResponse(this.bySymbol.get(text), `the symbol ${JSON.stringify(text.slice(0, 200))}`) };
      case 'file_by_filename':
        return { ...about, ...fileResponse(this.byFileName.get(text), `the file ${JSON.stringify(text.slice(0, 200))}`) };
      case 'file_containing_extension':
      case 'all_extension_numbers_of_type':
        return { ...about, ...errorResponse(grpcStatus.NOT_FOUND, 'nothing here has extensions') };
      default:
        return { ...about, ...errorResponse(grpcStatus.INVALID_ARGUMENT, 'the request asks for nothing that is known') };
    }
  }
}

/** ServerReflectionInfo: any number of questions on one stream. Each is answered at once, so that nothing waits. */
export class ReflectionCall extends GrpcCall {
  private unsent = 0;

  constructor(
    parts: CallParts,
    private readonly files: ReflectionFiles,
    private readonly request: Codec,
    private readonly response: Codec,
  ) {
    super(parts);
  }

  override leave(): void {
    this.fail({ code: 'DRAINING', message: 'the server is leaving' });
  }

  protected onMessage(body: FrameBody): void {
    let request: Fields;
    try {
      request = this.request.decode(joined(body));
    } catch {
      this.fail({ code: 'REQUEST_INVALID', message: 'the message is not a ServerReflectionRequest' });
      return;
    }
    // One answer at a time: questions are short and answers long, and who does not read must not be answered on and on.
    this.unsent += 1;
    this.pause();
    this.send(this.response.encode(this.files.answer(request)), () => {
      this.unsent -= 1;
      if (this.unsent === 0 && !this.isOver) this.resume();
    });
  }

  protected onHalfClose(): void {
    this.end(grpcStatus.OK, '');
  }
}

function fileResponse(file: Buffer | undefined, what: string): Fields {
  if (file === undefined) return errorResponse(grpcStatus.NOT_FOUND, `${what} is not known here`);
  return { file_descriptor_response: { file_descriptor_proto: [file] } };
}

function errorResponse(code: number, message: string): Fields {
  return { error_response: { error_code: code, error_message: message } };
}
