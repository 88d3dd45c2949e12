/** Characters that PostgreSQL keeps neither in a text nor in JSON: NUL, and halves of surrogate pairs. */
const unkeepable = /[\0\p{Surrogate}]/gu;

/** A text from a file or a runtime, with a replacement character for each that the database cannot keep. */
export function keepable(text: string): string {
  return text.replaceAll(unkeepable, '\ufffd');
}
