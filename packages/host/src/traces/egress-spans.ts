import type { AuditRecord } from '@openlegion/contract/audit-record';
import { parseEgressDetail } from '@openlegion/contract/egress-detail';
import type { TraceSpan } from '@openlegion/contract/trace';
import { redactPreview } from './redact-preview.ts';

/** Requests to the outside, as the keeper recorded them; `owner` says in which span an agent was at a time. */
export function egressSpans(
  records: readonly AuditRecord[],
  owner: (agent: string, at: string) => string | null,
): TraceSpan[] {
  const open = new Map<string, TraceSpan>();
  const spans: TraceSpan[] = [];
  for (const { seq, at, type, actor, subject, rule, detail: text } of records) {
    const detail = parseEgressDetail(text);
    if (type === 'egress.ended') {
      const span = open.get(detail.request ?? '');
      if (!span) continue;
      const { httpStatus = 0, bytesUp = 0, bytesDown = 0 } = detail;
      span.endedAt = at;
      span.status =
        httpStatus === 0 && detail.mode !== 'opaque' ? 'unknown' : httpStatus >= 400 ? 'failed' : 'ok';
      span.output = `${httpStatus || 'no answer'}, ${bytesUp} B up, ${bytesDown} B down${span.output}`;
      continue;
    }
    const refused = type === 'egress.refused';
    const what = detail.mode === 'opaque' ? 'OPAQUE' : (detail.method ?? '');
    const span: TraceSpan = {
      id: `k${seq}`,
      parentId: owner(actor, at),
      kind: 'egress',
      name: redactPreview(`${what} ${subject}${detail.path ?? ''}`.trim(), 200),
      agent: actor,
      startedAt: at,
      endedAt: refused ? at : null,
      status: refused ? 'refused' : 'running',
      costMicroUsd: 0,
      inputTokens: 0,
      outputTokens: 0,
      claimed: false,
      input: '',
      output: refused ? rule : detail.credential ? `, with ${detail.credential}` : '',
    };
    spans.push(span);
    if (detail.request) open.set(detail.request, span);
  }
  return spans;
}
