import { z } from 'zod';

/** Datatypes of the Open Inference Protocol that the runtime can serve. */
export const datatypes = ['BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', 'FP16', 'FP32', 'FP64', 'BYTES'] as const;
export const Datatype = z.enum(datatypes);
export type Datatype = z.infer<typeof Datatype>;

/** Name, datatype and shape of one input or output; -1 is a dynamic dimension. */
export const TensorSignature = z.object({
  name: z.string(),
  datatype: Datatype,
  shape: z.array(z.number().int().min(-1)),
  optional: z.boolean().optional(),
  /** The model declares no rank: any shape is taken, and `shape` says [-1] only because it must say something. */
  unranked: z.boolean().optional(),
});
export type TensorSignature = z.infer<typeof TensorSignature>;

/** What a model takes and gives. */
export const Signature = z.object({ inputs: z.array(TensorSignature), outputs: z.array(TensorSignature) });
export type Signature = z.infer<typeof Signature>;

/** What the answer of a version means; labels and quality need it. `rowAxis` is the axis that counts rows (0 when absent rows make no sense: null). */
export const Task = z.object({
  kind: z.enum(['binary', 'multiclass', 'regression', 'other']),
  /** The output that holds the predicted class or value; absent when only scores are given (the class is then the argmax). */
  predictionOutput: z.string().optional(),
  /** The output that holds scores per class. */
  scoreOutput: z.string().optional(),
  /** The classes in the order of the scores. */
  classes: z
    .array(z.union([z.string(), z.number()]))
    .max(10_000)
    .optional(),
  rowAxis: z.number().int().min(0).nullable(),
  /** The class that counts as positive for a binary task. */
  positiveClass: z.union([z.string(), z.number()]).optional(),
});
export type Task = z.infer<typeof Task>;
