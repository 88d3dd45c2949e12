/** Names of columns as people type them: separated by commas or line ends. */
export function columnNames(text: string): readonly string[] {
  return text
    .split(/[,\n]/)
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
