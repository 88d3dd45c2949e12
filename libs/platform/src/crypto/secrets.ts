import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';

/** SHA-256 in hex. Enough for secrets with 256 random bits; passwords need a slow hash. */
export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A new API key: prefix, 256 random bits, and a checksum so that leak scanners can tell it from noise. */
export function newApiKey(): string {
  const body = randomBytes(32).toString('base64url');
  return `slw_${body}${sha256(body).slice(0, 6)}`;
}

/** A random token of 256 bits for sessions and one-time links. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Encrypts with AES-256-GCM; `purpose` binds the text to its place, so that a swapped ciphertext is refused. */
export function seal(key: Uint8Array, text: string, purpose: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return `v1.${nonce.toString('base64url')}.${sealed.toString('base64url')}.${cipher.getAuthTag().toString('base64url')}`;
}

/** Opens what `seal` made. @throws when the key, the purpose or a byte is another. */
export function unseal(key: Uint8Array, sealed: string, purpose: string): string {
  const [version, nonce, text, tag] = sealed.split('.');
  if (version !== 'v1' || nonce === undefined || text === undefined || tag === undefined) throw new Error('not a sealed text');
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url')).setAAD(Buffer.from(purpose));
  decipher.setAuthTag(Buffer.from(tag, 'base64url'));
  return Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]).toString('utf8');
}

/** A new webhook secret (Standard Webhooks): 32 random bytes, shown once as `whsec_` and base64. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** The `webhook-signature` of a message: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body` (Standard Webhooks 1.0.0). */
export function signWebhook(secret: string, message: { id: string; timestampSeconds: number; body: string }): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${message.id}.${message.timestampSeconds}.${message.body}`).digest('base64')}`;
}
