import type { AuditRecord } from '@openlegion/contract/audit-record';
import { firstRecordAt, type ReadChain } from '../audit/first-record-at.ts';

const PAGE = 500;
/** Records looked at for one trace: a busy fleet writes them faster than anyone would wait to see them. */
const MOST_READ = 20_000;
/** An end can be recorded after the trace's own. */
const LATER_MS = 60_000;

/**
 * What the keeper recorded of a trace's requests to the outside between two times. Of a long chain only
 * that part is read.
 */
export async function readEgress(
  read: ReadChain,
  { traceId, from, to }: { traceId: string; from: string; to: string },
): Promise<AuditRecord[]> {
  const until = new Date(Date.parse(to) + LATER_MS).toISOString();
  const found: AuditRecord[] = [];
  let after = (await firstRecordAt(read, from)) - 1;
  for (let seen = 0; seen < MOST_READ; ) {
    const records = await read(after, PAGE);
    for (const record of records) {
      const isEgress = record.type.startsWith('egress.') || record.type === 'credential.injected';
      if (isEgress && (record.traceId === traceId || isEndOf(record, found))) found.push(record);
    }
    const last = records.at(-1);
    // A page may be short of its limit where its records are long.
    if (!last || last.at > until) break;
    seen += records.length;
    after = last.seq;
  }
  return found;
}

/** The end of a request says which request, and not always of which trace. */
function isEndOf(record: AuditRecord, found: readonly AuditRecord[]): boolean {
  if (record.type !== 'egress.ended') return false;
  const request = /"request":"([^"]+)"/.exec(record.detail)?.[1];
  return request !== undefined && found.some(({ detail }) => detail.includes(`"request":"${request}"`));
}
