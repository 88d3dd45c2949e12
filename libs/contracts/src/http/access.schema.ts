import { z } from 'zod';
import { scopes } from '../access.js';
import { ResourceName } from '../names.js';
import { Instant, pageOf } from './paging.schema.js';

export const CreateKey = z.strictObject({ name: ResourceName, scopes: z.array(z.enum(scopes)).min(1), expiresAt: Instant.optional() });
export type CreateKey = z.infer<typeof CreateKey>;
export const KeyView = z.object({
  id: z.string(),
  name: z.string(),
  hint: z.string(),
  scopes: z.array(z.string()),
  createdAt: Instant,
  createdBy: z.string(),
  expiresAt: Instant.nullable(),
  revokedAt: Instant.nullable(),
});
export type KeyView = z.infer<typeof KeyView>;
/** The secret is shown in this answer and never again. */
export const KeyCreated = KeyView.extend({ secret: z.string() });
export type KeyCreated = z.infer<typeof KeyCreated>;
export const KeyPage = pageOf(KeyView);

/** Sign in with the one-time link's token or with an API key. */
export const SignIn = z.union([z.strictObject({ token: z.string().min(16).max(256) }), z.strictObject({ key: z.string().min(16).max(512) })]);
export type SignIn = z.infer<typeof SignIn>;
export const SessionView = z.object({ actor: z.string(), project: z.string(), scopes: z.array(z.string()), expiresAt: Instant.nullable() });
export type SessionView = z.infer<typeof SessionView>;

export const EventView = z.object({
  sequence: z.number().int(),
  id: z.string(),
  at: Instant,
  actor: z.string(),
  action: z.string(),
  subjectKind: z.string(),
  subjectId: z.string(),
  subjectName: z.string(),
  reason: z.string().nullable(),
  before: z.unknown(),
  after: z.unknown(),
  requestId: z.string().nullable(),
});
export type EventView = z.infer<typeof EventView>;
export const EventPage = pageOf(EventView);
