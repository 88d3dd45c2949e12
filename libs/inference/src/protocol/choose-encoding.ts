export type AnswerEncoding = 'gzip' | 'deflate' | 'identity';

/** Chooses from Accept-Encoding by its q-values (RFC 9110 §12.5.3): the most wanted of gzip and deflate, gzip on a tie; identity when neither is. */
export function chooseEncoding(acceptEncoding: string): AnswerEncoding {
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.slice(0, 1024).toLowerCase().split(',')) {
    const [coding = '', ...attributes] = part.split(';').map((text) => text.trim());
    const q = attributes.find((attribute) => attribute.startsWith('q='))?.slice(2);
    weights.set(coding, q === undefined ? 1 : Number(q) || 0);
  }
  const any = weights.get('*') ?? 0;
  const gzip = weights.get('gzip') ?? any;
  const deflate = weights.get('deflate') ?? any;
  const best = Math.max(gzip, deflate);
  if (best <= 0 || (weights.get('identity') ?? 0) > best) return 'identity';
  return gzip >= deflate ? 'gzip' : 'deflate';
}
