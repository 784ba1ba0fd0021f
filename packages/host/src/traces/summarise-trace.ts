import type { TraceGroup, TraceSpan, TraceSummary } from '@openlegion/contract/trace';
import type { Message } from '../lanes/message.ts';
import { redactPreview } from './redact-preview.ts';

/** One trace in a line. What it cost is what its messages were charged. */
export function summariseTrace(messages: readonly Message[], spans: readonly TraceSpan[]): TraceSummary {
  const [first] = messages;
  const open = messages.some(({ status }) => status === 'queued' || status === 'running');
  const worst = (['failed', 'cancelled'] as const).find((status) =>
    messages.some((message) => message.status === status),
  );
  const count = (kind: TraceSpan['kind']) => spans.filter((span) => span.kind === kind).length;
  return {
    traceId: first?.traceId ?? '',
    from: first?.askedBy?.person ?? first?.sender ?? '',
    startedAt: first?.createdAt ?? '',
    endedAt: open
      ? null
      : (messages
          .map(({ finishedAt }) => finishedAt ?? '')
          .sort()
          .at(-1) ?? null),
    status: open ? 'running' : (worst ?? 'ok'),
    agents: [...new Set(messages.map(({ agent }) => agent))],
    messages: messages.length,
    modelCalls: count('model'),
    toolCalls: count('tool'),
    refusals: spans.filter(({ status }) => status === 'refused').length,
    costMicroUsd: messages.reduce((sum, message) => sum + message.chargedMicroUsd, 0),
    inputTokens: spans.reduce((sum, span) => sum + span.inputTokens, 0),
    outputTokens: spans.reduce((sum, span) => sum + span.outputTokens, 0),
    preview: redactPreview(first?.text ?? '', 120),
  };
}

/** Spans of one kind, agent and name together, the ones that took longest first. Paths of requests are left out. */
export function groupSpans(spans: readonly TraceSpan[]): TraceGroup[] {
  const groups = new Map<string, TraceGroup>();
  for (const span of spans) {
    const name = span.kind === 'egress' ? span.name.replace(/[/?].*$/, '') : span.name;
    const key = JSON.stringify([span.kind, span.agent, name]);
    const group = groups.get(key) ?? {
      ...{ kind: span.kind, agent: span.agent, name, count: 0, failed: 0, totalMs: 0 },
      ...{ costMicroUsd: 0, inputTokens: 0, outputTokens: 0 },
    };
    groups.set(key, group);
    group.count += 1;
    group.failed += span.status === 'failed' || span.status === 'refused' ? 1 : 0;
    group.totalMs += span.endedAt === null ? 0 : Date.parse(span.endedAt) - Date.parse(span.startedAt);
    group.costMicroUsd += span.costMicroUsd;
    group.inputTokens += span.inputTokens;
    group.outputTokens += span.outputTokens;
  }
  return [...groups.values()].sort((a, b) => b.totalMs - a.totalMs);
}
