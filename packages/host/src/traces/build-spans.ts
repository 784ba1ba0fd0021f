import type { AuditRecord } from '@openlegion/contract/audit-record';
import type { FleetEvent } from '@openlegion/contract/control-api';
import type { SpanStatus, TraceSpan } from '@openlegion/contract/trace';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import { z } from 'zod';
import type { Message } from '../lanes/message.ts';
import { egressSpans } from './egress-spans.ts';
import { redactPreview } from './redact-preview.ts';
import { withRuns } from './run-spans.ts';

const PREVIEW = 400;
const NAME = 200;
const MESSAGE_STATUS: Record<Message['status'], SpanStatus> = {
  queued: 'running',
  running: 'running',
  done: 'ok',
  failed: 'failed',
  cancelled: 'cancelled',
};
const OUTCOME_STATUS = {
  ok: 'ok',
  error: 'failed',
  refused: 'refused',
  cancelled: 'cancelled',
  unknown: 'unknown',
} as const;

const PLAIN = {
  status: 'ok',
  costMicroUsd: 0,
  inputTokens: 0,
  outputTokens: 0,
  claimed: false,
  input: '',
  output: '',
} as const;

export interface TraceParts {
  messages: readonly Message[];
  /** In the order of their numbers. */
  events: readonly FleetEvent[];
  /** Of the keeper's chain: what was asked of the outside. */
  egress: readonly AuditRecord[];
  /** Of the host's chain: approvals asked and answered. */
  approvals: readonly AuditRecord[];
}

/** The spans of a trace, each level in the order of time, parents before children. Pure. */
export function buildSpans({ messages, events, egress, approvals }: TraceParts): TraceSpan[] {
  const ids = new Set(messages.map(({ id }) => id));
  const spans = messages.map((message) => messageSpan(message, ids));
  const seen = new Set(messages.map(({ agent, parentId }) => `${parentId} ${agent}`));
  for (const message of messages) {
    const own = events.filter(({ messageId }) => messageId === message.id);
    spans.push(...turnSpans(message, own, seen));
  }
  const tools = spans.filter(({ kind }) => kind === 'tool');
  const owner = (agent: string, at: string): string | null => {
    const covers = ({ startedAt, endedAt }: TraceSpan) =>
      startedAt <= at && (endedAt === null || at <= endedAt);
    const tool = tools.findLast((span) => span.agent === agent && covers(span));
    const message = spans.findLast((span) => span.kind === 'message' && span.agent === agent && covers(span));
    return (tool ?? message ?? spans[0])?.id ?? null;
  };
  spans.push(...egressSpans(egress, owner), ...approvalSpans(approvals, owner));
  return inTreeOrder(withRuns(spans, events));
}

function messageSpan(message: Message, ids: ReadonlySet<string>): TraceSpan {
  const { id, parentId, agent, sender, status, text, reply, refusal } = message;
  return {
    ...PLAIN,
    id,
    parentId: parentId !== null && ids.has(parentId) ? parentId : null,
    kind: 'message',
    name: `${agent} ← ${sender}`,
    agent,
    startedAt: message.createdAt,
    endedAt: message.finishedAt,
    status: MESSAGE_STATUS[status],
    input: redactPreview(text, PREVIEW),
    output: redactPreview(
      refusal && !reply ? `${refusal.message} [${refusal.rule}]` : (reply ?? ''),
      PREVIEW,
    ),
  };
}

/** What happened in one message's turn. A model call's times are the host's own; a tool's are those of its reports. */
function turnSpans(
  message: Message,
  events: readonly FleetEvent[],
  handed: ReadonlySet<string>,
): TraceSpan[] {
  const { agent } = message;
  const spans: TraceSpan[] = [];
  const tools = new Map<string, TraceSpan>();
  const asked: TraceSpan[] = [];
  let starting: TraceSpan | undefined;
  let failed: { span: TraceSpan; durationMs: number } | undefined;
  const leaf = (seq: number, at: string, rest: Pick<TraceSpan, 'kind' | 'name'> & Partial<TraceSpan>) => {
    const span: TraceSpan = {
      ...PLAIN,
      id: `e${seq}`,
      parentId: message.id,
      agent,
      startedAt: at,
      endedAt: at,
      ...rest,
      // Most of them are the agent's own words.
      name: redactPreview(rest.name, NAME),
    };
    spans.push(span);
    return span;
  };
  const refused = (seq: number, at: string, { rule, message: why }: { rule: string; message: string }) => {
    // The agent repeats what the host has said itself.
    const same = spans.some((span) => span.kind === 'refusal' && span.name === rule && span.output === why);
    if (!same)
      leaf(seq, at, { kind: 'refusal', name: rule, status: 'refused', output: redactPreview(why, PREVIEW) });
  };

  for (const { seq, at, event } of events) {
    if (event.type === 'turn') turn(seq, at, event.turn);
    else if (event.type === 'model_failed') {
      asked.shift();
      const output = redactPreview(`${event.httpStatus || 'no answer'}: ${event.reason}`, PREVIEW);
      const { model: name, durationMs = 0 } = event;
      const startedAt = before(at, durationMs);
      failed = {
        span: leaf(seq, at, { kind: 'model', name, startedAt, status: 'failed', output }),
        durationMs,
      };
    } else if (event.type === 'model_charged') {
      const { chargedMicroUsd: costMicroUsd, inputTokens, outputTokens, durationMs = 0 } = event;
      const charged = { costMicroUsd, inputTokens, outputTokens };
      // A call that failed and was charged all the same is told twice.
      if (failed?.span.name === event.model && failed.durationMs === durationMs)
        Object.assign(failed.span, charged);
      else {
        asked.shift();
        leaf(seq, at, { kind: 'model', name: event.model, startedAt: before(at, durationMs), ...charged });
      }
      failed = undefined;
    } else if (event.type === 'agent_starting')
      starting = leaf(seq, at, { kind: 'start', name: 'container', endedAt: null, status: 'running' });
    else if (event.type === 'agent_ready' && starting)
      Object.assign(starting, { endedAt: at, status: 'ok', output: event.containerId.slice(0, 12) });
    else if (event.type === 'refused') refused(seq, at, event.refusal);
    else if (event.type === 'handoff' && !handed.has(`${message.id} ${event.to}`))
      leaf(seq, at, { kind: 'handoff', name: event.to });
    else if (event.type === 'budget_warning')
      leaf(seq, at, { kind: 'note', name: `80 % of the budget of ${event.scope} for ${event.period}` });
  }

  function turn(seq: number, at: string, said: TurnEvent): void {
    if (said.type === 'model_call')
      asked.push({
        ...PLAIN,
        id: `e${seq}`,
        parentId: message.id,
        kind: 'model',
        name: redactPreview(said.model, NAME),
        agent,
        startedAt: at,
        endedAt: null,
        status: 'running',
        claimed: true,
      });
    else if (said.type === 'tool_started')
      tools.set(
        said.callId,
        leaf(seq, at, {
          kind: 'tool',
          name: said.tool,
          endedAt: null,
          status: 'running',
          claimed: true,
          input: redactPreview(said.arguments, PREVIEW),
        }),
      );
    else if (said.type === 'tool_ended') {
      const { tool, outcome, preview } = said;
      const open = tools.get(said.callId) ?? leaf(seq, at, { kind: 'tool', name: tool, claimed: true });
      Object.assign(open, {
        endedAt: at,
        status: OUTCOME_STATUS[outcome],
        output: redactPreview(preview, PREVIEW),
      });
    } else if (said.type === 'refused') refused(seq, at, said.refusal);
    else if (said.type === 'steered')
      leaf(seq, at, {
        kind: 'note',
        name: 'steered',
        claimed: true,
        input: redactPreview(said.text, PREVIEW),
      });
    else if (said.type === 'model_switched')
      leaf(seq, at, {
        kind: 'note',
        name: `${said.from} → ${said.to}`,
        claimed: true,
        output: redactPreview(said.reason, PREVIEW),
      });
  }

  // What the end of the turn left open has no end of its own that anyone saw.
  const ended = message.finishedAt;
  for (const span of [...spans, ...asked])
    if (ended !== null && span.endedAt === null) Object.assign(span, { endedAt: ended, status: 'unknown' });
  return [...spans, ...(ended === null ? asked : [])];
}

/** `approval.asked` and what became of it, joined by their subject. */
function approvalSpans(
  records: readonly AuditRecord[],
  owner: (agent: string, at: string) => string | null,
): TraceSpan[] {
  const spans = new Map<string, TraceSpan>();
  for (const { seq, at, type, actor, subject, decision, detail } of records) {
    const open = spans.get(subject);
    if (type === 'approval.asked')
      spans.set(subject, {
        ...PLAIN,
        id: `a${seq}`,
        parentId: owner(actor, at),
        kind: 'approval',
        name: redactPreview(Asked.safeParse(JSON.parse(detail)).data?.what ?? subject, NAME),
        agent: actor,
        startedAt: at,
        endedAt: null,
        status: 'running',
      });
    else if (open?.endedAt === null && type !== 'approval.answer_refused')
      Object.assign(open, {
        endedAt: at,
        status: decision === 'allowed' ? 'ok' : decision === 'denied' ? 'refused' : 'cancelled',
        output: `${type.slice('approval.'.length)} by ${actor}`,
      });
  }
  return [...spans.values()];
}

const Asked = z.object({ what: z.string() });

function inTreeOrder(spans: readonly TraceSpan[]): TraceSpan[] {
  const children = new Map<string | null, TraceSpan[]>();
  for (const span of spans) {
    const list = children.get(span.parentId) ?? [];
    list.push(span);
    children.set(span.parentId, list);
  }
  const ordered: TraceSpan[] = [];
  const visit = (parentId: string | null) => {
    const here = (children.get(parentId) ?? []).sort((a, b) =>
      a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : 0,
    );
    children.delete(parentId);
    for (const span of here) {
      ordered.push(span);
      visit(span.id);
    }
  };
  visit(null);
  return ordered;
}

function before(at: string, ms: number): string {
  return new Date(Date.parse(at) - ms).toISOString();
}
