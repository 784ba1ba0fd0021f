import type { AuditRecord } from '@openlegion/contract/audit-record';
import { type EgressDetail, parseEgressDetail } from '@openlegion/contract/egress-detail';
import { oneLine } from '../terminal/safe-text.ts';
import type { Style } from '../terminal/style.ts';

export interface EgressLines {
  /** One line for each request, with its end where that is among the records. */
  joined(records: readonly AuditRecord[]): string[];
  /** One line for one record, as it comes: a request's end is a line of its own. */
  single(record: AuditRecord): string;
}

export function createEgressLines(style: Style): EgressLines {
  const line = (record: AuditRecord, detail: EgressDetail, end: EgressDetail | null): string => {
    const { at, actor, subject, decision, rule } = record;
    const verdict = {
      allowed: style('green', 'allowed'),
      denied: style('red', 'denied '),
      none: style('dim', 'ended  '),
    }[decision];
    const method = detail.mode === 'opaque' ? 'OPAQUE' : (detail.method ?? '');
    return [
      `${at.slice(0, 19).replace('T', ' ')}  ${oneLine(actor, 20).padEnd(11)} ${verdict}`,
      oneLine(method, 12).padEnd(7),
      oneLine(`${subject}${detail.path ?? ''}`, 100),
      end ? ended(end) : '',
      detail.credential ? style('cyan', `with ${oneLine(detail.credential, 60)}`) : '',
      detail.unrecorded ? style('dim', `and ${detail.unrecorded} more like it`) : '',
      rule === '' ? '' : style(decision === 'denied' ? 'yellow' : 'dim', `[${oneLine(rule, 80)}]`),
    ]
      .filter((part) => part.trim() !== '')
      .join('  ');
  };
  return {
    joined(records) {
      const known = records.map((record) => ({ record, detail: parseEgressDetail(record.detail) }));
      const { end = [], begin = [] } = Object.groupBy(known, ({ record }) =>
        record.type === 'egress.ended' ? 'end' : 'begin',
      );
      const ends = new Map(end.map(({ detail }) => [detail.request, detail]));
      return begin.map(({ record, detail }) =>
        line(record, detail, detail.request ? (ends.get(detail.request) ?? null) : null),
      );
    },
    single(record) {
      const detail = parseEgressDetail(record.detail);
      return line(record, detail, record.type === 'egress.ended' ? detail : null);
    },
  };
}

function ended({ httpStatus, bytesUp = 0, bytesDown = 0 }: EgressDetail): string {
  return `${httpStatus || 'no answer'}, ${bytesUp} B up, ${bytesDown} B down`;
}
