const shownLength = 80;

/** A name as part of a sentence: in quotes, control characters escaped, cut where it is long. */
export function quote(name: string): string {
  return name.length > shownLength ? `${JSON.stringify(name.slice(0, shownLength))}… (${name.length} characters)` : JSON.stringify(name);
}
