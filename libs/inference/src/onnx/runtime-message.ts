import { messageOf, SlipwayError } from '@slipway/contracts';

const maxLength = 600;

/** The runtime's own words without its source locations and without paths of this machine. */
export function cleanRuntimeMessage(error: unknown): string {
  const text = messageOf(error)
    // "/onnxruntime_src/onnxruntime/core/…/file.cc:123 function(args) condition was false." precede the sentence that matters.
    .replace(/\/onnxruntime_src\/\S*?\.(?:cc|h|hpp|cpp):\d+\s*/g, '')
    .replace(/\b[\w/.-]+\.(?:cc|hpp|cpp|h):\d+\s*/g, '')
    .replace(/Load model from .*? failed:\s*/gs, 'The model could not be loaded: ')
    .replace(/(?:onnxruntime|std|gsl)::[\w:<>~]+\((?:[^()]|\([^()]*\))*\)(?:\s*const)?\s*(?:\[with[^\]]*\]\s*)?/g, '')
    .replace(/(["'\s(:=]|^)(?:[A-Za-z]:)?(?:[\\/][^\s"'\\/:,;()]+){2,}/g, '$1…')
    .replace(/\s+/g, ' ')
    .trim();
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}

/**
 * Faults of the input, by the words the runtime uses for them. The list is of causes that a caller can mend: shapes and
 * indices that the signature cannot rule out. Everything else is the model's fault.
 */
const callerFaults: readonly RegExp[] = [
  /Got invalid dimensions for input/,
  /Invalid rank for input/,
  /Unexpected input data type/,
  /is missing in 'feeds'/,
  /Missing Input/i,
  /out of (?:data )?bounds/i,
  /out[ -]of[ -]range/i,
  /must be (?:with)?in (?:the inclusive )?(?:the )?range/i,
  /dimension(?:s)? mismatch/i,
  /mismatch(?:ed|ing)?\b.*\bdim/i,
  /incompatible dimensions/i,
  /Attempting to broadcast an axis/i,
  /input shape/i,
  /cannot be reshaped/i,
  /could not be reshaped/i,
  /Non concat axis dimensions must match/i,
  /\bcannot broadcast\b/i,
  /left operand cannot broadcast/i,
  /Input tensor .*(?:has|must) /i,
  /(?:division|modulo) by zero/i,
];

/** Makes the error of a failed run one for the caller: INFER_INVALID when the input is at fault, MODEL_RUN_FAILED otherwise. */
export function toRunError(error: unknown): SlipwayError {
  if (error instanceof SlipwayError) return error;
  const message = cleanRuntimeMessage(error);
  const isCallers = callerFaults.some((fault) => fault.test(message));
  return isCallers
    ? new SlipwayError('INFER_INVALID', `the model cannot take this input: ${message}`, { cause: error })
    : new SlipwayError('MODEL_RUN_FAILED', `the model failed on this input: ${message}`, { cause: error });
}
