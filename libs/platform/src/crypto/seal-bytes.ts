import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const nonceBytes = 12;
const tagBytes = 16;

/** A key for one use, out of the installation's master key; what is known of one says nothing of another. */
export function deriveKey(masterKey: Uint8Array, use: string): Buffer {
  return createHmac('sha256', masterKey).update(`slipway key v1\0${use}`).digest();
}

/** Encrypts bytes with AES-256-GCM: nonce, ciphertext, tag. `purpose` binds them to their place, so that swapped ones are refused. */
export function sealBytes(key: Uint8Array, bytes: Uint8Array, purpose: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what `sealBytes` made. @throws when the key, the purpose or a byte is another. */
export function unsealBytes(key: Uint8Array, sealed: Uint8Array, purpose: string): Buffer {
  if (sealed.length < nonceBytes + tagBytes) throw new Error('not sealed bytes: too short');
  const end = sealed.length - tagBytes;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes)).setAAD(Buffer.from(purpose));
  decipher.setAuthTag(sealed.subarray(end));
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()]);
}
