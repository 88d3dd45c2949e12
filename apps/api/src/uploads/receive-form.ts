import type { MultipartFile, MultipartValue } from '@fastify/multipart';
import { messageOf, SlipwayError } from '@slipway/contracts';
import { type ArtefactStore, type StagedArtefact, tooLarge } from '@slipway/registry';
import type { FastifyRequest } from 'fastify';
import { nextWithin, withStallLimit } from './stall-limit.js';
import type { FurtherFile, Upload, UploadShape } from './upload.js';
import { cleanFileName, isUploadField, parseUploadFields } from './upload-fields.js';

/** Bytes before the first part and between parts that a form may waste. */
const preambleBytes = 128 * 1024;
/** RFC 2046 §5.1.1. */
const boundaryLength = 70;

/** Streams the files of a form to staging, "file" and those that the route takes beside it, and gathers the fields around them. */
export async function receiveForm<Fields>(request: FastifyRequest, store: ArtefactStore, shape: UploadShape<Fields>): Promise<Upload<Fields>> {
  refuseLongBoundary(request.headers['content-type'] ?? '');
  const form = new FormReader(request, shape);
  const fields = new Map<string, unknown>();
  const files = new FormFiles(store, shape);
  try {
    for (let part = await form.next(); part !== undefined; part = await form.next()) {
      if (part.type === 'field') addField(shape, fields, part);
      else await files.add(part);
    }
    return { ...files.finish(), fields: parseUploadFields(shape.fields, fields) };
  } catch (error) {
    await files.discard();
    throw error;
  } finally {
    form.close();
  }
}

/** The files of a form, staged as they come; together they have at most `maxBytes`. */
class FormFiles {
  private file: { staged: StagedArtefact; fileName: string | undefined } | undefined;
  private readonly further: FurtherFile[] = [];
  private leftBytes: number;

  constructor(
    private readonly store: ArtefactStore,
    private readonly shape: UploadShape<unknown>,
  ) {
    this.leftBytes = shape.maxBytes;
  }

  async add(part: MultipartFile): Promise<void> {
    const isFile = part.fieldname === 'file' && this.file === undefined;
    if (!isFile && part.fieldname !== this.shape.further?.part) throw unexpectedFile(part.fieldname, this.shape);
    const staged = await this.stage(part);
    if (isFile) this.file = { staged, fileName: cleanFileName(part.filename) };
    else this.further.push({ staged, name: part.filename });
  }

  finish(): Pick<Upload<unknown>, 'staged' | 'fileName' | 'further'> {
    if (this.file === undefined) {
      throw new SlipwayError('REQUEST_INVALID', `expected ${this.shape.what} in a form part named "file" with a file name; there is none`);
    }
    return { ...this.file, further: this.further };
  }

  async discard(): Promise<void> {
    for (const staged of [this.file?.staged, ...this.further.map((one) => one.staged)]) if (staged !== undefined) await this.store.discard(staged);
  }

  private async stage(part: MultipartFile): Promise<StagedArtefact> {
    try {
      const staged = await this.store.stage(withStallLimit(part.file, this.shape.stallMs), { maxBytes: this.leftBytes });
      this.leftBytes -= staged.sizeBytes;
      return staged;
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code !== 'ARTEFACT_TOO_LARGE' || this.leftBytes === this.shape.maxBytes) throw error;
      throw tooLarge(this.shape.maxBytes, undefined, `${this.shape.what} with its other files`);
    }
  }
}

/** The parts of a form in the order of sending, with bounds on their number, their sizes and on what lies before them. */
class FormReader {
  private readonly parts: AsyncIterator<MultipartFile | MultipartValue>;
  private readonly wasted: Promise<never>;
  private readonly count: (piece: Buffer) => void;
  private bytesBeforePart = 0;
  private counting = true;

  constructor(
    private readonly request: FastifyRequest,
    private readonly shape: UploadShape<unknown>,
  ) {
    const files = 1 + (shape.further?.maxFiles ?? 0);
    this.parts = request.parts({
      // The names of further files mean something, so a path in one is left for the check that refuses it.
      ...(shape.further === undefined ? {} : { preservePath: true }),
      limits: { fieldNameSize: 100, fieldSize: 256 * 1024, fields: 16, files, parts: files + 17, headerPairs: 32, fileSize: shape.maxBytes + 1 },
    });
    let refuse: (error: SlipwayError) => void = () => undefined;
    this.wasted = new Promise<never>((_, reject) => {
      refuse = reject;
    });
    // Whoever waits for a part sees it; when nobody waits any more it is of no interest.
    this.wasted.catch(() => undefined);
    this.count = (piece) => {
      if (this.counting) this.bytesBeforePart += piece.length;
      if (this.bytesBeforePart > preambleBytes)
        refuse(new SlipwayError('REQUEST_INVALID', `expected the first part of the form within ${preambleBytes} bytes`));
    };
  }

  async next(): Promise<MultipartFile | MultipartValue | undefined> {
    const next = this.parts.next();
    // Listening starts the flow, so only after the parser is attached.
    if (this.request.raw.listenerCount('data', this.count) === 0 && this.counting) this.request.raw.on('data', this.count);
    try {
      const part = await nextWithin(Promise.race([next, this.wasted]), this.shape.stallMs);
      this.counting = false;
      return part.done === true ? undefined : part.value;
    } catch (error) {
      throw formError(error, this.shape);
    }
  }

  close(): void {
    this.request.raw.off('data', this.count);
    // The parser may wait for a part that nobody reads any more.
    this.request.raw.unpipe();
  }
}

function addField(shape: UploadShape<unknown>, fields: Map<string, unknown>, part: MultipartValue): void {
  const name = part.fieldname;
  if (name === 'file') throw new SlipwayError('REQUEST_INVALID', 'file: expected a file (a part with a file name); given a text field');
  if (part.fieldnameTruncated === true || !isUploadField(shape.fields, name))
    throw new SlipwayError('REQUEST_INVALID', `unknown field ${JSON.stringify(name.slice(0, 100))}`);
  if (part.valueTruncated) throw new SlipwayError('REQUEST_INVALID', `${name}: expected at most 262144 bytes`);
  if (fields.has(name)) throw new SlipwayError('REQUEST_INVALID', `${name}: expected once; given several times`);
  fields.set(name, part.value);
}

function unexpectedFile(fieldname: string, { further }: UploadShape<unknown>): SlipwayError {
  const others = further === undefined ? '' : `, and others in parts named ${JSON.stringify(further.part)}`;
  return new SlipwayError(
    'REQUEST_INVALID',
    `expected one file, in the part "file"${others}; given another in ${JSON.stringify(fieldname.slice(0, 100))}`,
  );
}

function refuseLongBoundary(contentType: string): void {
  const boundary = /;\s*boundary=(?:"([^"]*)"|([^;\s]*))/i.exec(contentType);
  const length = (boundary?.[1] ?? boundary?.[2] ?? '').length;
  if (length < 1 || length > boundaryLength)
    throw new SlipwayError('REQUEST_INVALID', `expected a boundary of 1 to ${boundaryLength} characters in Content-Type; given ${length}`);
}

/** What a failure of the form's parser means to the sender; counts and sizes are over a limit, everything else is unreadable. */
function formError(error: unknown, { further }: UploadShape<unknown>): SlipwayError {
  const cause = error instanceof SlipwayError ? error.cause : error;
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  if (typeof code === 'string' && /^FST_(PARTS|FILES|FIELDS)_LIMIT$/.test(code)) {
    const others = further === undefined ? '' : `, at most ${further.maxFiles} parts ${JSON.stringify(further.part)}`;
    return new SlipwayError('REQUEST_INVALID', `expected one part "file"${others} and each of the fields at most once; given more parts`, { cause });
  }
  if (cause instanceof Error && code !== 'ECONNRESET')
    return new SlipwayError('REQUEST_INVALID', `the form cannot be read: ${messageOf(cause).slice(0, 200)}`, { cause });
  return error instanceof SlipwayError ? error : new SlipwayError('REQUEST_INVALID', 'the form cannot be read', { cause: error });
}
