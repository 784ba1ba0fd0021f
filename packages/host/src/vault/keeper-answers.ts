import { AuditCheckpoint, AuditRecord } from '@openlegion/contract/audit-record';
import { BudgetWarning, Costs } from '@openlegion/contract/costs';
import { Refusal } from '@openlegion/contract/refusal';
import { z } from 'zod';

const Rules = z.array(z.object({ methods: z.array(z.string()), path: z.string() }));
const Binding = z.object({
  host: z.string(),
  port: z.int(),
  header: z.string(),
  scheme: z.enum(['bearer', 'token', 'basic', 'raw']),
  user: z.string(),
  allow: Rules,
  deny: Rules,
});
const Stored = z.object({ name: z.string(), version: z.int() });

/** The keeper's answers, held to their shape on the host's side of the socket. */
export const KEEPER_ANSWERS = {
  policy: z.object({ hash: z.string() }),
  costs: Costs,
  checkpoint: AuditCheckpoint,
  names: z.object({
    credentials: z.array(
      z.object({
        name: z.string(),
        tier: z.enum(['system', 'cred']),
        version: z.int(),
        origins: z.array(z.string()),
        bindings: z.array(Binding),
        environment: z.array(z.string()),
        owner: z.string().nullable(),
        createdAt: z.string(),
        lastUsedAt: z.string().nullable(),
      }),
    ),
  }),
  audit: z.object({ records: z.array(AuditRecord) }),
  status: z.object({
    uid: z.int(),
    pid: z.int(),
    openReservations: z.int(),
    lastCheckpoint: AuditCheckpoint.nullable(),
  }),
  warnings: z.object({ warnings: z.array(BudgetWarning) }),
  vaultView: z.object({
    credentials: z.array(
      z.object({
        name: z.string(),
        placeholder: z.string().regex(/^olp_[0-9a-f]{40}$/),
        environment: z.array(z.string()),
        bindings: z.array(Binding),
        version: z.int(),
        createdAt: z.string(),
        lastUsedAt: z.string().nullable(),
        own: z.boolean(),
      }),
    ),
  }),
  generate: Stored,
  capture: Stored,
  captureKey: z.object({ publicKeyPem: z.string() }),
} as const;

export const KeeperLine = z.discriminatedUnion('ok', [
  z.object({ id: z.int(), ok: z.literal(true), result: z.unknown() }),
  z.object({ id: z.int(), ok: z.literal(false), refusal: Refusal }),
]);
