/** Controls, format characters (direction overrides among them) and line separators: nothing of a name that a person should see. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

/** Text that came with a model file: unseen characters made visible, cut to a length. */
export function safeText(text: string, maxLength = 80): string {
  const characters = Array.from(text.slice(0, maxLength * 4));
  const cut = characters.length > maxLength || text.length > maxLength * 4;
  const kept = cut ? `${characters.slice(0, maxLength - 1).join('')}…` : characters.join('');
  return kept.replace(unseen, '\uFFFD');
}

/** Longer prose of the same origin: line breaks stay. */
export function safeProse(text: string, maxLength = 2_000): string {
  const lines = text.slice(0, maxLength * 4).split(/\r\n|[\n\r]/);
  const joined = lines.map((line) => safeText(line, maxLength)).join('\n');
  return joined.length > maxLength ? `${joined.slice(0, maxLength - 1)}…` : joined;
}
