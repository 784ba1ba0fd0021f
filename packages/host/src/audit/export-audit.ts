import { createHash } from 'node:crypto';
import type { AuditExported, AuditExportLine, ExportAudit } from '@openlegion/contract/audit-export';
import type { AuditCheckpoint } from '@openlegion/contract/audit-record';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { AuditLog } from './audit-log.ts';
import { firstRecordAt, type ReadChain } from './first-record-at.ts';

const PAGE = 500;
type Range = { first: number; last: number };

/**
 * The lines of a signed export, each with its line end; see contract/audit-export.ts. Records that it was made, by
 * whom, with the hash of what it says, and has the keeper sign that record. Throws `unavailable` when the keeper does
 * not sign; nothing is answered then.
 */
export async function exportAudit(
  parts: {
    audit: AuditLog;
    readKeeper: ReadChain;
    sign: (seq: number, hash: string) => Promise<AuditCheckpoint>;
  },
  by: string,
  { from, to }: ExportAudit,
): Promise<AsyncGenerator<string>> {
  const { audit, readKeeper, sign } = parts;
  if (from > to) throw backwards();
  const chains: Record<'host' | 'keeper', ReadChain> = {
    host: async (after, limit) => audit.read(after, limit),
    keeper: readKeeper,
  };
  const [host, keeper] = [await rangeOf(chains.host, from, to), await rangeOf(chains.keeper, from, to)];

  async function* body(): AsyncGenerator<string> {
    yield lineOf({ kind: 'export', version: 1, from, to, host, keeper });
    for (const chain of ['host', 'keeper'] as const)
      for await (const record of recordsOf(chains[chain], chain === 'host' ? host : keeper))
        yield lineOf({ kind: 'record', chain, record });
  }

  const hash = createHash('sha256');
  for await (const line of body()) hash.update(line);
  const detail: AuditExported = {
    ...{ from, to, hostFirst: host.first, hostLast: host.last },
    ...{ keeperFirst: keeper.first, keeperLast: keeper.last, sha256: hash.digest('hex') },
  };
  await audit.record({
    type: 'audit.exported',
    actor: by,
    subject: 'audit',
    decision: 'allowed',
    rule: 'role.operator',
    detail,
  });
  const head = audit.head();
  const checkpoint = await sign(head.seq, head.hash);
  await audit.storeCheckpoint(checkpoint);
  // Of several at once, this one's own: the newest that says this hash.
  const recent = audit.read(Math.max(0, head.seq - PAGE), PAGE);
  const at = recent.findLastIndex(
    ({ type, detail: text }) => type === 'audit.exported' && text.includes(detail.sha256),
  );
  const records = recent.slice(Math.max(0, at)).filter(({ seq }) => seq <= checkpoint.seq);

  return (async function* () {
    yield* body();
    yield lineOf({ kind: 'manifest', records, checkpoint });
  })();
}

async function rangeOf(read: ReadChain, from: string, to: string): Promise<Range> {
  const first = await firstRecordAt(read, from);
  // The first that is later than `to`: times have milliseconds.
  const last = (await firstRecordAt(read, new Date(Date.parse(to) + 1).toISOString())) - 1;
  return last < first ? { first: 0, last: 0 } : { first, last };
}

async function* recordsOf(read: ReadChain, { first, last }: Range) {
  for (let after = first - 1; first > 0 && after < last; ) {
    const page = await read(after, Math.min(PAGE, last - after));
    if (page.length === 0) return;
    yield* page;
    after = page.at(-1)?.seq ?? last;
  }
}

function lineOf(line: AuditExportLine): string {
  return `${JSON.stringify(line)}\n`;
}

function backwards(): OpenLegionError {
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'audit.export',
    message: 'The export would end before it begins.',
    remedy: 'Name a "to" after "from".',
  });
}
