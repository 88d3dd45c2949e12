import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a part of Slipway calls the gateway for. */
export const internalPurposes = ['batch-predictions'] as const;
export type InternalPurpose = (typeof internalPurposes)[number];

/** Who calls from inside: for which project, and as which part of Slipway. */
export interface InternalCaller {
  readonly projectId: string;
  readonly purpose: InternalPurpose;
  /** ms since 1970; from then on the token is worth nothing. */
  readonly expiresAtMs: number;
}

const prefix = 'slwi';
/** A token that leaks is worth something for no longer than this, and hosts' clocks may differ by less. */
const lifeMs = 15 * 60_000;

/**
 * The credential with which a part of Slipway calls the gateway: an HMAC over project, purpose and end, keyed with the installation's
 * master key. Nothing is stored, so it can be made and checked without the database; make a new one every few minutes.
 */
export function newInternalToken(masterKey: Uint8Array, caller: Pick<InternalCaller, 'projectId' | 'purpose'>, nowMs: number): string {
  const claims = `${prefix}.${caller.purpose}.${caller.projectId}.${nowMs + lifeMs}`;
  return `${claims}.${sign(masterKey, claims)}`;
}

/** Whether a text wants to be an internal token; `readInternalToken` says whether it is one. */
export function looksInternal(text: string): boolean {
  return text.startsWith(`${prefix}.`);
}

/** Whom a token speaks for; undefined for one that is forged or past its end. Compares in constant time. */
export function readInternalToken(masterKey: Uint8Array, token: string, nowMs: number): InternalCaller | undefined {
  const [word, purposeText, projectId, endText, mac, ...rest] = token.split('.');
  const purpose = internalPurposes.find((known) => known === purposeText);
  if (word !== prefix || purpose === undefined || projectId === undefined || mac === undefined || rest.length > 0) return undefined;
  const expiresAtMs = Number(endText);
  if (!isSigned(masterKey, token.slice(0, -mac.length - 1), mac)) return undefined;
  // A token from far ahead was not made by this code, or by a clock that is not to be trusted.
  return expiresAtMs > nowMs && expiresAtMs <= nowMs + 2 * lifeMs ? { projectId, purpose, expiresAtMs } : undefined;
}

function isSigned(masterKey: Uint8Array, claims: string, mac: string): boolean {
  // As texts: decoding base64 would take several texts for one.
  const expected = Buffer.from(sign(masterKey, claims));
  const given = Buffer.from(mac);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The leading words keep this use of the master key apart from every other one. */
function sign(masterKey: Uint8Array, claims: string): string {
  return createHmac('sha256', masterKey).update(`slipway internal token v1\0${claims}`).digest('base64url');
}
