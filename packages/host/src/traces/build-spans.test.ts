import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FleetEvent } from '@openlegion/contract/control-api';
import { buildSpans } from './build-spans.ts';
import { groupSpans, summariseTrace } from './summarise-trace.ts';
import { SECRET, sampleTrace } from './test/sample-trace.ts';

test('a trace is a tree: hand-offs below who handed on, requests below the tool that made them', () => {
  const spans = buildSpans(sampleTrace());
  const depth = new Map<string | null, number>([[null, -1]]);
  const shown = spans.map((span) => {
    depth.set(span.id, (depth.get(span.parentId) ?? 99) + 1);
    return `${' '.repeat(depth.get(span.id) ?? 0)}${span.kind} ${span.name} ${span.status}`;
  });
  assert.deepEqual(shown, [
    'message researcher ← operator ok',
    ' start container ok',
    ' model openai/a failed',
    ' model openai/b ok',
    ' tool exec ok',
    '  egress GET api.example.com:443/v1/x ok',
    ' message qualifier ← researcher failed',
    '  refusal budget.daily refused',
    '  tool read_file unknown',
    '   egress POST api.example.com:443/y refused',
  ]);
});

test('a model call has the host’s times, cost and tokens; what only the agent says is marked', () => {
  const spans = buildSpans(sampleTrace());
  const called = spans.find(({ name }) => name === 'openai/b') ?? assert.fail();
  assert.equal(Date.parse(called.endedAt ?? '') - Date.parse(called.startedAt), 780);
  assert.deepEqual([called.costMicroUsd, called.inputTokens, called.claimed], [12_345, 812, false]);
  assert.ok(spans.filter(({ kind }) => kind === 'tool').every(({ claimed }) => claimed));
});

test('no preview shows what looks like a key', () => {
  const parts = sampleTrace();
  const spans = buildSpans(parts);
  assert.ok(!JSON.stringify([spans, summariseTrace(parts.messages, spans)]).includes(SECRET));
});

test('a summary counts, a group adds up', () => {
  const parts = sampleTrace();
  const spans = buildSpans(parts);
  const { status, agents, modelCalls, toolCalls, refusals, costMicroUsd } = summariseTrace(
    parts.messages,
    spans,
  );
  assert.deepEqual(
    { status, agents, modelCalls, toolCalls, refusals, costMicroUsd },
    {
      status: 'failed',
      agents: ['researcher', 'qualifier'],
      modelCalls: 2,
      toolCalls: 2,
      refusals: 2,
      costMicroUsd: 12_345,
    },
  );
  const group = groupSpans([...spans, ...spans]).find(({ name }) => name === 'openai/b');
  assert.deepEqual([group?.count, group?.costMicroUsd, group?.totalMs], [2, 24_690, 1560]);
});

test('a message that still runs has no end, nor has what is open in it', () => {
  const { messages, ...rest } = sampleTrace();
  const running = messages.map((message) => ({ ...message, status: 'running' as const, finishedAt: null }));
  const spans = buildSpans({ messages: running, ...rest });
  assert.equal(spans.find(({ name }) => name === 'read_file')?.status, 'running');
  assert.equal(summariseTrace(running, spans).endedAt, null);
});

test('a workflow run has its steps below it, and they the messages of their tasks; an approval has its answer', () => {
  const at = (ms: number) => new Date(Date.UTC(2026, 10, 21, 8, 30) + ms).toISOString();
  const { messages } = sampleTrace();
  const event = (ms: number, told: object) =>
    FleetEvent.parse({
      ...{ seq: 1000 + ms, at: at(ms), agent: '', messageId: 'run_1', traceId: 't' },
      event: told,
    });
  const of = { run: 'run_1', step: 'research' };
  const approval = { subject: 'apr_1', rule: '', traceId: 't', previousHash: '', hash: '' };
  const spans = buildSpans({
    messages: messages.slice(0, 1),
    events: [
      event(0, { type: 'workflow_started', run: 'run_1', workflow: 'pipeline', hash: 'h' }),
      event(0, { type: 'workflow_task_started', ...of, index: 0, attempt: 1, to: 'researcher' }),
      event(9500, { type: 'workflow_step_settled', ...of, status: 'done', reason: null, message: '' }),
      event(9600, {
        type: 'workflow_settled',
        run: 'run_1',
        status: 'failed',
        reason: 'timeout',
        message: 'late',
      }),
    ],
    egress: [],
    approvals: [
      {
        ...approval,
        seq: 1,
        at: at(100),
        type: 'approval.asked',
        actor: 'researcher',
        decision: 'none',
        detail: '{"kind":"tool","what":"exec"}',
      },
      {
        ...approval,
        seq: 2,
        at: at(200),
        type: 'approval.approved',
        actor: 'sam',
        decision: 'allowed',
        detail: '{}',
      },
      {
        ...approval,
        seq: 3,
        at: at(300),
        type: 'approval.used',
        actor: 'researcher',
        decision: 'none',
        detail: '{}',
      },
    ],
  });
  assert.deepEqual(
    spans.map(({ kind, name, status, output }) => [kind, name, status, output]),
    [
      ['run', 'workflow pipeline', 'failed', 'timeout: late'],
      ['step', 'research', 'ok', ''],
      ['message', 'researcher ← operator', 'ok', 'done'],
      ['approval', 'exec', 'ok', 'approved by sam'],
    ],
  );
});
