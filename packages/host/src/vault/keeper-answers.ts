import { AuditCheckpoint, AuditRecord } from '@openlegion/contract/audit-record';
import { MicroUsd } from '@openlegion/contract/money';
import { Refusal } from '@openlegion/contract/refusal';
import { z } from 'zod';

const Spending = z.object({
  spentTodayMicroUsd: MicroUsd,
  spentMonthMicroUsd: MicroUsd,
  reservedMicroUsd: MicroUsd,
  dailyMicroUsd: MicroUsd,
  monthlyMicroUsd: MicroUsd,
  calls: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
});

/** What the keeper spent, for whom, in its own words. */
export const Costs = z.object({
  day: z.string(),
  month: z.string(),
  timeZone: z.string(),
  fleet: Spending,
  agents: z.record(z.string(), Spending),
});
export type Costs = z.infer<typeof Costs>;

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
