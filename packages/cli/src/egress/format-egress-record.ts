import type { AuditRecord } from '@openlegion/contract/audit-record';
import { z } from 'zod';
import { oneLine } from '../terminal/safe-text.ts';
import type { Style } from '../terminal/style.ts';

/** What a record of a request to the outside may say; each is absent where it is not known. */
const Detail = z.object({
  method: z.string().optional(),
  path: z.string().optional(),
  port: z.number().optional(),
  mode: z.string().optional(),
  credential: z.string().nullish(),
  httpStatus: z.number().optional(),
  bytesUp: z.number().optional(),
  bytesDown: z.number().optional(),
});

/** One line: when, who, verdict, method, where, status and bytes, and the rule that decided. */
export function formatEgressRecord(record: AuditRecord, style: Style): string {
  const { at, actor, type, subject, decision, rule } = record;
  const detail = parseDetail(record.detail);
  const verdict = {
    allowed: style('green', 'allowed'),
    denied: style('red', 'denied '),
    none: style('dim', type.replace('egress.', '').padEnd(7)),
  }[decision];
  const bytes =
    detail.bytesUp === undefined && detail.bytesDown === undefined
      ? ''
      : `${detail.httpStatus || 'no answer'}, ${detail.bytesUp ?? 0} B up, ${detail.bytesDown ?? 0} B down`;
  const parts = [
    `${at.slice(0, 19).replace('T', ' ')}  ${oneLine(actor, 20).padEnd(11)} ${verdict}`,
    (detail.method ?? '').padEnd(7),
    oneLine(`${subject}${detail.path ?? ''}`, 100),
    bytes,
    detail.credential ? style('cyan', `with ${oneLine(detail.credential, 60)}`) : '',
    rule === '' ? '' : style(decision === 'denied' ? 'yellow' : 'dim', `[${oneLine(rule, 80)}]`),
  ];
  return parts.filter((part) => part.trim() !== '').join('  ');
}

function parseDetail(json: string): z.infer<typeof Detail> {
  try {
    return Detail.parse(JSON.parse(json));
  } catch {
    // A record of a later version still has its who, where and verdict.
    return {};
  }
}
