import type { Tensor } from '../tensors/tensor.js';

/** A request that was read and checked: every input the model needs is there, in the form the runtime takes. */
export interface InferRequest {
  /** The caller's own id; echoed. */
  readonly id?: string;
  readonly inputs: readonly Tensor[];
  /** What the caller wants back, in its order. */
  readonly outputs: readonly WantedOutput[];
  /** The caller's bound on the time of this request, in µs; it can only shorten the deadline that is there anyway. 0 means none. */
  readonly timeoutMicros?: number;
  /** 1 is the highest; 0 means the default. */
  readonly priority?: number;
  /** The media type that the length of the JSON part came with; the answer's comes with the same. */
  readonly mediaType?: string;
}

export interface WantedOutput {
  readonly name: string;
  /** Whether it goes back as bytes behind the JSON. */
  readonly binary: boolean;
  /** Wanted as so many of its highest values, written as texts. */
  readonly classification?: number;
}

/** How the body of a request is laid out, from its HTTP headers. */
export interface BodyLayout {
  /** Only looked at for the length of the JSON part; otherwise any type will do. */
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string;
  /** Bytes of the JSON part, after expansion; 0 is the raw form; absent means that all is JSON. */
  readonly inferenceHeaderContentLength?: number;
}

/** Bounds on what a request may ask for. */
export interface RequestLimits {
  readonly maxBodyBytes: number;
  readonly maxInputElements: number;
}
