import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SECRET, sampleTrace } from '../traces/test/sample-trace.ts';
import { recordTrace } from './record-trace.ts';

const ROUND = { after: null, steered: false, text: `use ${SECRET}` };
const CALL = {
  ...{ callId: 'c1', tool: 'exec', outcome: 'ok', output: `${SECRET} ok` },
  arguments: JSON.stringify({ command: `curl -u x:${SECRET} https://api.example.com`, count: 3 }),
};

test('a recording has each message’s rounds, redacted, and says which calls reached outside', async () => {
  const asked: string[] = [];
  const recording = await recordTrace({
    ...{ ...sampleTrace(), traceId: 'trc_x', recordedAt: 'now', runs: [] },
    async ask(agent, path) {
      asked.push(`${agent} ${path}`);
      if (agent === 'qualifier') throw new Error('gone');
      return { status: 200, json: async () => ({ rounds: [{ ...ROUND, calls: [CALL] }] }) } as never;
    },
  });
  assert.deepEqual(asked, ['researcher /turns/msg_r', 'qualifier /turns/msg_q']);
  const [first, second] = recording.messages;
  assert.deepEqual(first?.outside, ['c1']);
  assert.equal(second?.rounds, null);
  assert.ok(!JSON.stringify(recording).includes(SECRET));
  const call = first?.rounds?.[0]?.calls[0];
  assert.equal(JSON.parse(call?.arguments ?? '').count, 3);
  assert.match(call?.output ?? '', /\[redacted\] ok/);
});

test('what an agent says that is no turn is as if it had said nothing', async () => {
  const recording = await recordTrace({
    ...{ ...sampleTrace(), traceId: 'trc_x', recordedAt: 'now', runs: [] },
    ask: async () => ({ status: 200, json: async () => ({ rounds: 'many' }) }) as never,
  });
  assert.ok(recording.messages.every(({ rounds }) => rounds === null));
});
