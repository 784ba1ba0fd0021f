import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '@openlegion/contract/audit-record';
import { TraceList, TraceView } from '@openlegion/contract/trace';
import { startFixture } from '../test/host-fixture.ts';
import { readEgress } from './read-egress.ts';

test('what a turn did is found again by its trace, and the newest trace comes first', async () => {
  await using fixture = await startFixture({
    turn(turn) {
      turn.say({ type: 'tool_started', callId: 'c', tool: 'exec', arguments: '{"token":"hunter2222"}' });
      turn.say({
        type: 'tool_ended',
        callId: 'c',
        tool: 'exec',
        outcome: 'error',
        preview: 'no',
        durationMs: 1,
      });
      turn.end('answered');
    },
  });
  const sent = [];
  for (const agent of ['alice', 'bob']) {
    const accepted = await fixture.send(agent, `hello ${agent}`);
    await fixture.trace(accepted.messageId);
    sent.push(accepted);
  }
  const { traces, next } = (await fixture.ask('GET', '/api/traces?limit=1')).as(TraceList);
  assert.deepEqual(
    traces.map(({ traceId, preview, toolCalls, status }) => [traceId, preview, toolCalls, status]),
    [[sent[1]?.traceId, 'hello bob', 1, 'ok']],
  );
  const older = (await fixture.ask('GET', `/api/traces?before=${next}`)).as(TraceList);
  assert.deepEqual(
    older.traces.map(({ traceId }) => traceId),
    [sent[0]?.traceId],
  );
  assert.equal((await fixture.ask('GET', '/api/traces?agent=alice')).as(TraceList).traces.length, 1);

  const answer = await fixture.ask('GET', `/api/traces/${sent[0]?.traceId}`);
  const view = answer.as(TraceView);
  assert.deepEqual(view.missing, []);
  assert.deepEqual(
    view.spans.map(({ kind, name, status }) => [kind, name, status]),
    [
      ['message', 'alice ← operator', 'ok'],
      ['start', 'container', 'ok'],
      ['tool', 'exec', 'failed'],
    ],
  );
  assert.ok(!answer.text.includes('hunter'));
  assert.equal((await fixture.ask('GET', '/api/traces/trc_none')).status, 404);
  assert.equal((await fixture.ask('GET', '/api/traces?before=x')).status, 400);
});

test('requests of a trace are found in a long chain without reading all of it', async () => {
  const at = (seq: number) => new Date(Date.UTC(2026, 0, 1) + seq * 1000).toISOString();
  const record = (seq: number, type: string, detail: string, traceId = ''): AuditRecord => ({
    ...{ seq, at: at(seq), type, actor: 'a', subject: 's', decision: 'none', rule: '', traceId, detail },
    ...{ previousHash: '', hash: '' },
  });
  const chain = Array.from({ length: 50_000 }, (_, index) => record(index + 1, 'reservation.made', '{}'));
  const put = (one: AuditRecord) => chain.splice(one.seq - 1, 1, one);
  put(record(30_000, 'egress.allowed', '{"request":"r1"}', 'trc_a'));
  put(record(30_010, 'egress.ended', '{"request":"r1"}'));
  put(record(30_011, 'egress.ended', '{"request":"r2"}'));
  put(record(30_012, 'egress.allowed', '{"request":"r3"}', 'trc_b'));
  let read = 0;
  const found = await readEgress(
    async (after, limit) => {
      const records = chain.slice(after, after + limit);
      read += records.length;
      return records;
    },
    { traceId: 'trc_a', from: at(29_990), to: at(30_005) },
  );
  assert.deepEqual(
    found.map(({ seq }) => seq),
    [30_000, 30_010],
  );
  assert.ok(read < 1100, String(read));
  const none = await readEgress(async () => [], { traceId: 'x', from: at(1), to: at(2) });
  assert.deepEqual(none, []);
});
