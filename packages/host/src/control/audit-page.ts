import type { AuditRecord } from '@openlegion/contract/audit-record';
import type { AuditPage } from '@openlegion/contract/control-api';

/** Records looked at for one answer: a filter that fits none must not hold the host, and `next` goes on from there. */
const MOST_READ = 20_000;
const READ = 500;

/**
 * One page of a chain, oldest first: records whose type begins with `type` and that have `agent` as actor or
 * subject, where these are given.
 */
export async function auditPage(
  read: (after: number, limit: number) => Promise<AuditRecord[]>,
  query: { after: number; limit: number; type?: string | undefined; agent?: string | undefined },
): Promise<AuditPage> {
  const { after, limit, type, agent } = query;
  if (type === undefined && agent === undefined) {
    const records = await read(after, limit);
    return { records, next: records.at(-1)?.seq ?? after };
  }
  const records: AuditRecord[] = [];
  let next = after;
  for (let seen = 0; seen < MOST_READ; ) {
    const page = await read(next, READ);
    for (const record of page) {
      next = record.seq;
      if (type !== undefined && !record.type.startsWith(type)) continue;
      if (agent !== undefined && record.actor !== agent && record.subject !== agent) continue;
      records.push(record);
      if (records.length === limit) return { records, next };
    }
    seen += page.length;
    if (page.length < READ) break;
  }
  return { records, next };
}
