/** Properties of a model's file in which exporters leave the names of the features, as a JSON list of texts. */
const properties = ['feature_names', 'featureNames', 'features', 'columns', 'input_columns'];

/** The names of a model's features in the order of its input, where its file states them. */
export function featureNamesOf(metadata: { readonly properties: Readonly<Record<string, string>> } | null): readonly string[] | undefined {
  for (const property of properties) {
    const names = parseNames(metadata?.properties[property]);
    if (names !== undefined) return names;
  }
  return undefined;
}

function parseNames(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value) || value.length === 0) return undefined;
    const names = value.filter((each) => typeof each === 'string');
    return names.length === value.length ? names : undefined;
  } catch {
    return undefined;
  }
}
