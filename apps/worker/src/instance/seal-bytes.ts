import { createCipheriv, randomBytes } from 'node:crypto';

const nonceBytes = 12;

/** AES-256-GCM as `sealBytes` of the platform does it, which an instance must not load for what else is in there. `purpose` binds the bytes to their place. */
export function sealBytes(key: Uint8Array, bytes: Uint8Array, purpose: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}
