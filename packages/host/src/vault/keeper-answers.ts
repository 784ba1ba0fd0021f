import { AuditCheckpoint, AuditRecord } from '@openlegion/contract/audit-record';
import { Costs } from '@openlegion/contract/costs';
import { Refusal } from '@openlegion/contract/refusal';
import { z } from 'zod';

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
} as const;

export const KeeperLine = z.discriminatedUnion('ok', [
  z.object({ id: z.int(), ok: z.literal(true), result: z.unknown() }),
  z.object({ id: z.int(), ok: z.literal(false), refusal: Refusal }),
]);
