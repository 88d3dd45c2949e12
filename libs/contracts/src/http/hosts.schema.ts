import { z } from 'zod';
import { limits } from '../limits.js';
import { ResourceName } from '../names.js';
import { plainText } from '../text.js';
import { Instant, pageOf } from './paging.schema.js';

const labelsMax = 32;

/** What a host is called by those who place on it, for example `zone=a`. */
export const HostLabels = z
  .record(ResourceName, plainText(256))
  .refine((labels) => Object.keys(labels).length <= labelsMax, `expected at most ${labelsMax} labels`);
export type HostLabels = z.infer<typeof HostLabels>;

export const HostGpu = z.object({ name: z.string(), memoryBytes: z.number() });
export type HostGpu = z.infer<typeof HostGpu>;

export const HostView = z.object({
  id: z.string(),
  name: z.string(),
  cores: z.number().int(),
  memoryBytes: z.number(),
  gpus: z.array(HostGpu),
  /** Its own, and those that were added or replaced here. */
  labels: z.record(z.string(), z.string()),
  /** Slipway's, as its worker runs it; null until the worker has said so. */
  version: z.string().nullable(),
  /** It joined with a token; its instances are reached over mutual TLS. */
  remote: z.boolean(),
  /** Whether new instances may be placed on it. */
  schedulable: z.boolean(),
  /** Its instances are being replaced elsewhere, and nothing new comes. */
  drain: z.boolean(),
  lastSeenAt: Instant,
  live: z.boolean(),
  instances: z.number().int(),
  /** Threads given to its instances, out of a budget of one per core. */
  threads: z.number().int(),
  /** Memory that its instances are expected to take. */
  placedBytes: z.number(),
  /** GPUs of its instances. */
  placedGpus: z.number().int(),
});
export type HostView = z.infer<typeof HostView>;
export const HostPage = pageOf(HostView);

export const ChangeHost = z
  .strictObject({
    schedulable: z.boolean().optional(),
    drain: z.boolean().optional(),
    /** Added to the host's own, or in place of them; replaces what was added before. */
    labels: HostLabels.optional(),
    reason: plainText(limits.reasonLength).optional(),
  })
  .refine(
    ({ schedulable, drain, labels }) => schedulable !== undefined || drain !== undefined || labels !== undefined,
    'expected at least one of "schedulable", "drain" and "labels"',
  );
export type ChangeHost = z.infer<typeof ChangeHost>;

export const CreateJoinToken = z.strictObject({
  /** How many hosts may join with it. */
  uses: z.number().int().min(1).max(1_000).default(1),
  /** Absent: a day from now. */
  expiresAt: Instant.optional(),
  reason: plainText(limits.reasonLength).optional(),
});
export type CreateJoinToken = z.infer<typeof CreateJoinToken>;

export const JoinTokenView = z.object({
  id: z.string(),
  hint: z.string(),
  uses: z.number().int(),
  used: z.number().int(),
  createdAt: Instant,
  createdBy: z.string(),
  expiresAt: Instant,
  revokedAt: Instant.nullable(),
});
export type JoinTokenView = z.infer<typeof JoinTokenView>;
/** The token is shown in this answer and never again. */
export const JoinTokenCreated = JoinTokenView.extend({ token: z.string() });
export type JoinTokenCreated = z.infer<typeof JoinTokenCreated>;
export const JoinTokenPage = pageOf(JoinTokenView);

/** An elliptic-curve public key (P-256), SPKI as PEM; the private key stays on the host. */
const PublicKey = z
  .string()
  .max(1_000)
  .regex(/^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----\n?$/, 'expected a public key as PEM');

export const JoinHost = z.strictObject({ token: z.string().min(16).max(256), name: ResourceName, publicKey: PublicKey });
export type JoinHost = z.infer<typeof JoinHost>;

/** PEM texts: the host's certificate, and the authority that signs both sides'. */
export const HostCertificate = z.object({ certificate: z.string(), authority: z.string(), notAfter: Instant });
export type HostCertificate = z.infer<typeof HostCertificate>;

/** The credential is shown in this answer and never again. */
export const HostJoined = z.object({ hostId: z.string(), name: z.string(), credential: z.string(), certificate: HostCertificate });
export type HostJoined = z.infer<typeof HostJoined>;

export const RenewHostCertificate = z.strictObject({ publicKey: PublicKey });
export type RenewHostCertificate = z.infer<typeof RenewHostCertificate>;
