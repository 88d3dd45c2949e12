/** One prediction row as a caller names it. */
export interface PredictionRef {
  readonly id: string;
  /** Epoch milliseconds inside the id: where its records are filed. */
  readonly atMs: number;
  /** Absent in a bare id, which names a one-row request. */
  readonly row: number | undefined;
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const pattern = /^(prd_([0-7][0-9A-HJKMNP-TV-Z]{9})[0-9A-HJKMNP-TV-Z]{16})(?:#(0|[1-9]\d{0,8}))?$/;

/** Reads `prd_<ULID>` or `prd_<ULID>#<row>`; undefined for anything else. */
export function parsePredictionRef(text: string): PredictionRef | undefined {
  const match = pattern.exec(text);
  const [, id, time, row] = match ?? [];
  if (id === undefined || time === undefined) return undefined;
  return { id, atMs: decodeTime(time), row: row === undefined ? undefined : Number(row) };
}

/** The first ten characters of a ULID are its time in milliseconds, base 32 (github.com/ulid/spec). */
function decodeTime(text: string): number {
  let time = 0;
  for (const character of text) time = time * 32 + alphabet.indexOf(character);
  return time;
}
