import type { AuditRecord } from '@openlegion/contract/audit-record';
import type { FleetEvent } from '@openlegion/contract/control-api';
import { type RecordedMessage, RecordedTurn, type Recording } from '@openlegion/contract/recording';
import type { RunRecord } from '@openlegion/contract/workflow-run';
import type { Message } from '../lanes/message.ts';
import type { PipeResponse } from '../pipe/pipe.ts';
import { redact } from '../traces/redact-preview.ts';

export interface RecordParts {
  traceId: string;
  recordedAt: string;
  messages: readonly Message[];
  runs: readonly RunRecord[];
  events: readonly FleetEvent[];
  /** Of the keeper's chain: what was asked of the outside. */
  egress: readonly AuditRecord[];
  /** Asks the agent, which is woken for it. */
  ask: (agent: string, path: string) => Promise<PipeResponse>;
}

/**
 * What was answered, called and given back in each message of a trace. The rounds are the agents' own word: they alone
 * keep them. Every text is redacted, so what is played again later has `[redacted]` where a key stood.
 */
export async function recordTrace(parts: RecordParts): Promise<Recording> {
  const { traceId, recordedAt, messages, runs, events, egress } = parts;
  const recorded: RecordedMessage[] = [];
  for (const message of messages) {
    // Answered in the turn of another one.
    if (message.mergedInto !== null) continue;
    recorded.push({
      id: message.id,
      parentId: message.parentId,
      agent: message.agent,
      from: message.sender,
      text: redact(message.text),
      status: message.status,
      reply: message.reply === null ? null : redact(message.reply),
      refusal: message.refusal?.rule ?? null,
      rounds: await roundsOf(message, parts.ask),
      outside: outsideCalls(message, events, egress),
    });
  }
  return {
    ...{ openlegionRecording: 1, traceId, recordedAt, messages: recorded },
    runs: runs.map(({ workflow, payload, parentId, status }) => ({
      ...{ workflow, first: parentId === null, status },
      payload: JSON.parse(redactJson(JSON.stringify(payload))),
    })),
  };
}

async function roundsOf(message: Message, ask: RecordParts['ask']): Promise<RecordedMessage['rounds']> {
  try {
    const answer = await ask(message.agent, `/turns/${encodeURIComponent(message.id)}`);
    const turn = answer.status === 200 ? RecordedTurn.parse(await answer.json()) : null;
    if (!turn) return null;
    return turn.rounds.map(({ after, steered, text, calls }) => ({
      after: after === null ? null : redact(after),
      steered,
      text: redact(text),
      calls: calls.map((call) => ({
        ...call,
        arguments: redactJson(call.arguments),
        output: redact(call.output),
      })),
    }));
  } catch {
    // An agent that is gone, or a program in its place that keeps no history: what it did is not known.
    return null;
  }
}

/** Only the texts within: what is JSON stays JSON. */
function redactJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (_key, value) =>
      typeof value === 'string' ? redact(value) : value,
    );
  } catch {
    return redact(text);
  }
}

/** Calls under way while the agent asked for something of the outside world. */
function outsideCalls(
  { id, agent }: Message,
  events: readonly FleetEvent[],
  egress: readonly AuditRecord[],
): string[] {
  const times = egress.flatMap(({ type, actor, at }) =>
    actor === agent && type !== 'egress.ended' ? [at] : [],
  );
  const begun = new Map<string, string>();
  const outside = new Set<string>();
  for (const { at, messageId, event } of events) {
    if (messageId !== id || event.type !== 'turn') continue;
    const { turn } = event;
    if (turn.type === 'tool_started') begun.set(turn.callId, at);
    if (turn.type !== 'tool_ended') continue;
    const from = begun.get(turn.callId) ?? at;
    if (times.some((time) => from <= time && time <= at)) outside.add(turn.callId);
  }
  return [...outside];
}
