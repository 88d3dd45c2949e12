/** What a page with `[name]` in its address is given. */
export interface RouteProps<K extends string> {
  readonly params: Promise<Readonly<Record<K, string>>>;
}

/** A segment of the address as the text it stands for; a broken escape is taken as it is. */
export function segment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
