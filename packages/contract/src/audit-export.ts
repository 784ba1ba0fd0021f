import { z } from 'zod';
import { AuditCheckpoint, AuditRecord } from './audit-record.ts';

/**
 * A signed part of both chains, as lines of JSON: one `export`, the records of the host's chain, those of the keeper's,
 * and last one `manifest`. `POST /api/audit/export` (ExportAudit, least role operator) answers with it.
 *
 * The manifest is a record of the host's chain, `audit.exported`, whose detail has SHA-256 of all the lines before it;
 * and the records after it up to one that the keeper has signed. So the keeper's key vouches for the file as a whole.
 */
export const ExportAudit = z.strictObject({ from: z.iso.datetime(), to: z.iso.datetime() });
export type ExportAudit = z.infer<typeof ExportAudit>;

/** The numbers of the first and last record; both 0 where the chain has none between the times. */
const Range = z.strictObject({ first: z.int().nonnegative(), last: z.int().nonnegative() });

export const AuditExportLine = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('export'),
    version: z.literal(1),
    ...ExportAudit.shape,
    host: Range,
    keeper: Range,
  }),
  z.strictObject({ kind: z.literal('record'), chain: z.enum(['host', 'keeper']), record: AuditRecord }),
  z.strictObject({
    kind: z.literal('manifest'),
    records: z.array(AuditRecord).min(1).max(10_000),
    checkpoint: AuditCheckpoint,
  }),
]);
export type AuditExportLine = z.infer<typeof AuditExportLine>;

/** What the detail of `audit.exported` says. */
export const AuditExported = z.strictObject({
  ...ExportAudit.shape,
  hostFirst: z.int(),
  hostLast: z.int(),
  keeperFirst: z.int(),
  keeperLast: z.int(),
  sha256: z.string().length(64),
});
export type AuditExported = z.infer<typeof AuditExported>;
