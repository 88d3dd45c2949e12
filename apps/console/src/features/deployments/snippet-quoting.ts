/** Where an example is sent. */
export interface SnippetTarget {
  readonly origin: string;
  readonly deployment: string;
}

/** The environment variable that every example takes its key from. */
export const keyVariable = 'SLIPWAY_API_KEY';

export function predictUrl({ origin, deployment }: SnippetTarget): string {
  return `${origin}/v2/models/${encodeURIComponent(deployment)}/infer`;
}

export function labelsUrl({ origin, deployment }: SnippetTarget): string {
  return `${origin}/v1/deployments/${encodeURIComponent(deployment)}/labels`;
}

/** One word of a shell, whatever is in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A text of Python; its escapes are those of JSON. */
export function pythonText(text: string): string {
  return JSON.stringify(text);
}

/** A text of JavaScript in single quotes. */
export function javascriptText(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

/** JSON on one line with a blank after each comma and colon; everything else, also a literal that JavaScript could not hold, stays as it is. */
export function onOneLine(json: string): string {
  return json.replace(
    /("(?:[^"\\]|\\.)*")|\s+|[,:]/g,
    (match, text: string | undefined) => text ?? (match === ',' || match === ':' ? `${match} ` : ''),
  );
}
