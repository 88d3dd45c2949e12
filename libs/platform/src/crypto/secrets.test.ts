import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newApiKey, newWebhookSecret, seal, signWebhook, unseal } from './secrets.js';

describe('signWebhook', () => {
  it("gives the Standard Webhooks specification's own vector", () => {
    const signature = signWebhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestampSeconds: 1614265330,
      body: '{"test": 2432232314}',
    });
    expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });
});

describe('seal', () => {
  const key = randomBytes(32);

  it('gives back what was sealed', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (text, purpose) => unseal(key, seal(key, text, purpose), purpose) === text));
  });

  it('refuses another purpose, another key and any changed character', () => {
    const sealed = seal(key, 'whsec_abc', 'receiver:rcv_1');
    expect(() => unseal(key, sealed, 'receiver:rcv_2')).toThrow();
    expect(() => unseal(randomBytes(32), sealed, 'receiver:rcv_1')).toThrow();
    for (const part of [1, 2, 3]) {
      const parts = sealed.split('.').map((text, index) => (index === part ? (text.startsWith('A') ? 'B' : 'A') + text.slice(1) : text));
      expect(() => unseal(key, parts.join('.'), 'receiver:rcv_1')).toThrow();
    }
  });
});

describe('secrets', () => {
  it('are long, tell what they are and differ', () => {
    expect(newApiKey()).toMatch(/^slw_[\w-]{49}$/);
    expect(Buffer.from(newWebhookSecret().replace('whsec_', ''), 'base64')).toHaveLength(32);
    expect(new Set(Array.from({ length: 100 }, newApiKey)).size).toBe(100);
  });
});
