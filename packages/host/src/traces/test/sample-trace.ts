import type { AuditRecord } from '@openlegion/contract/audit-record';
import { FleetEvent } from '@openlegion/contract/control-api';
import type { Message } from '../../lanes/message.ts';
import type { TraceParts } from '../build-spans.ts';

const BEGAN = Date.UTC(2026, 10, 21, 8, 30);
const TRACE = 'trc_0mh123abc0123456789abcdef';
export const SECRET = 'sk-abcdefghijklmnop1234';

const at = (ms: number) => new Date(BEGAN + ms).toISOString();

function message(fields: Pick<Message, 'id' | 'agent' | 'sender' | 'text'> & Partial<Message>): Message {
  return {
    ...{ ordinal: 1, traceId: TRACE, parentId: null, hops: 0, mode: 'followup', status: 'done', attempt: 1 },
    ...{ hostEnds: 0, startedAt: at(0), mergedInto: null, reply: 'done', refusal: null, askedBy: null },
    ...{ chargedMicroUsd: 0, createdAt: at(0), finishedAt: at(9400) },
    ...fields,
  };
}

function record(
  seq: number,
  ms: number,
  fields: Pick<AuditRecord, 'type' | 'actor'> & { detail: object; rule?: string },
): AuditRecord {
  return {
    ...{ seq, at: at(ms), subject: 'api.example.com:443', decision: 'allowed', rule: '', traceId: TRACE },
    ...{ previousHash: '', hash: '' },
    ...fields,
    detail: JSON.stringify(fields.detail),
  };
}

/** researcher calls a model that fails, the next one answers; it runs a tool, reaches out, hands on to qualifier. */
export function sampleTrace(): TraceParts {
  let seq = 0;
  const event = (id: string, agent: string, ms: number, told: unknown): FleetEvent =>
    FleetEvent.parse({ seq: ++seq, at: at(ms), agent, messageId: id, traceId: TRACE, event: told });
  const turn = (id: string, agent: string, ms: number, said: object) =>
    event(id, agent, ms, { type: 'turn', turn: said });
  const failed = {
    type: 'model_failed',
    model: 'openai/a',
    httpStatus: 429,
    reason: 'Rate limit',
    durationMs: 390,
  };
  const charged = {
    type: 'model_charged',
    model: 'openai/b',
    chargedMicroUsd: 12_345,
    inputTokens: 812,
    outputTokens: 34,
    durationMs: 780,
  };
  const [r, q] = [
    ['msg_r', 'researcher'],
    ['msg_q', 'qualifier'],
  ] as const;
  return {
    messages: [
      message({
        id: 'msg_r',
        agent: 'researcher',
        sender: 'operator',
        text: `Go on with ${SECRET}`,
        chargedMicroUsd: 12_345,
      }),
      message({
        id: 'msg_q',
        agent: 'qualifier',
        sender: 'researcher',
        text: 'qualify',
        parentId: 'msg_r',
        status: 'failed',
        createdAt: at(4200),
        finishedAt: at(9000),
        reply: null,
      }),
    ],
    events: [
      event(...r, 0, { type: 'message_accepted', from: 'operator', text: 'Go on' }),
      event(...r, 1, { type: 'agent_starting', reason: '' }),
      event(...r, 812, { type: 'agent_ready', containerId: '3f2a9c1b7d6e5f4a', startMs: 811 }),
      turn(...r, 900, { type: 'model_call', model: 'openai/a', round: 1 }),
      event(...r, 1300, failed),
      turn(...r, 1310, { type: 'model_call', model: 'openai/b', round: 1 }),
      event(...r, 2100, charged),
      turn(...r, 2310, {
        type: 'tool_started',
        callId: 'c1',
        tool: 'exec',
        arguments: `{"command":"curl -H 'Authorization: Bearer ${SECRET}'"}`,
      }),
      turn(...r, 2800, {
        type: 'tool_ended',
        callId: 'c1',
        tool: 'exec',
        outcome: 'ok',
        preview: 'fine',
        durationMs: 480,
      }),
      event(...r, 4200, { type: 'handoff', to: 'qualifier', taskId: 'msg_q' }),
      event(...q, 4300, {
        type: 'refused',
        refusal: { code: 'denied', rule: 'budget.daily', message: 'spent', remedy: '' },
      }),
      turn(...q, 4301, {
        type: 'refused',
        refusal: { code: 'denied', rule: 'budget.daily', message: 'spent', remedy: '' },
      }),
      turn(...q, 4400, { type: 'tool_started', callId: 'c2', tool: 'read_file', arguments: '{}' }),
    ],
    egress: [
      record(7, 2400, {
        type: 'credential.injected',
        actor: 'researcher',
        detail: { request: 'r1', method: 'GET', path: '/v1/x', credential: 'crm' },
      }),
      record(8, 2700, {
        type: 'egress.ended',
        actor: 'researcher',
        detail: { request: 'r1', httpStatus: 200, bytesUp: 1, bytesDown: 2 },
      }),
      record(9, 4500, {
        type: 'egress.refused',
        actor: 'qualifier',
        rule: 'permissions.qualifier.allowed_domains',
        detail: { method: 'POST', path: '/y' },
      }),
    ],
    approvals: [],
  };
}
