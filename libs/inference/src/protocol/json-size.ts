/** A media type that carries the length of the JSON part. */
export interface SizedMediaType {
  /** Without its parameters. */
  readonly mediaType: string;
  readonly jsonBytes: number;
}

const sized = /^\s*([\w.+-]+\/[\w.+-]+)\s*;\s*json-header-size=(\d{1,10})\s*$/i;
/** No usual media type is so long, so usual requests do not come to the pattern. */
const shortest = 'a/b;json-header-size=0'.length;

/**
 * Hosting platforms strip headers that they do not know, so their clients put the length of the JSON part into the media type:
 * `application/vnd.….binary+json;json-header-size=134`. The answer then does the same.
 */
export function sizedMediaType(contentType: string | undefined): SizedMediaType | undefined {
  if (contentType === undefined || contentType.length < shortest || !contentType.includes('json-header-size')) return undefined;
  const [, mediaType, jsonBytes] = sized.exec(contentType) ?? [];
  return mediaType === undefined ? undefined : { mediaType, jsonBytes: Number(jsonBytes) };
}

export function withJsonSize(mediaType: string, jsonBytes: number): string {
  return `${mediaType};json-header-size=${jsonBytes}`;
}
