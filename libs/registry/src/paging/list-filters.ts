/** A text as LIKE takes it literally. */
export function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, String.raw`\$&`);
}

/** `key` or `key:value` as a filter on a column of tags. */
export function tagFilter(tag: string) {
  const colon = tag.indexOf(':');
  // Every text contains the empty one, so this asks only whether the key is there.
  if (colon < 0) return { path: [tag], string_contains: '' };
  return { path: [tag.slice(0, colon)], equals: tag.slice(colon + 1) };
}

/** A sort as the API takes it: the field, downwards with a `-` in front. */
export function sortOf<Field extends string>(sort: Field | `-${Field}`): { readonly field: string; readonly direction: 'asc' | 'desc' } {
  return sort.startsWith('-') ? { field: sort.slice(1), direction: 'desc' } : { field: sort, direction: 'asc' };
}

/** The time and the tie-breaker in a cursor's position. */
export function splitPosition(position: string): { readonly at: Date; readonly tie: string } {
  const bar = position.indexOf('|');
  return { at: new Date(position.slice(0, bar)), tie: position.slice(bar + 1) };
}

/** The other way round. */
export function joinPosition(at: Date, tie: string | number): string {
  return `${at.toISOString()}|${tie}`;
}
