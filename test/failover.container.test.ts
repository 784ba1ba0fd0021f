import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FleetEvent } from '@openlegion/contract/control-api';
import { startInstallation, type TestInstallation } from './harness/installation.ts';

/*
 * A model fails and the next of its chain goes on, from a container through the gateway. Each agent has a chain of its
 * own: what failed once is not asked again for a minute, by anyone.
 */

const LONG = 'The first model speaks at some length, and then its connection is cut in the middle of it.';
/** What an agent's first model does, and its second. */
const CHAINS: Record<string, { first: object; second: object; rules?: object[] }> = {
  down: { first: { error: { status: 503, message: 'overloaded' } }, second: { text: 'the second answers' } },
  key: { first: { error: { status: 401, message: 'wrong key' } }, second: { text: 'the second answers' } },
  silent: { first: { text: LONG, break_after: 0 }, second: { text: 'the second answers' } },
  middle: {
    first: { text: LONG, chunk_delay_ms: 200, break_after: 2 },
    second: { text: 'asked from the beginning' },
    rules: [{ when: { user: 'cut off by a technical fault' }, answer: { text: '… and the rest' } }],
  },
  call: {
    first: {
      text: 'I look.',
      calls: [{ tool: 'exec', arguments: { command: 'echo never-run >> ran; sleep 0' } }],
      chunk_delay_ms: 200,
      break_after: 2,
    },
    second: { text: 'asked from the beginning' },
    rules: [
      {
        when: { round: 0 },
        answer: { calls: [{ tool: 'exec', arguments: { command: 'echo x >> ran; cat ran' } }] },
      },
      { when: { tool: 'exec' }, answer: { text: 'RAN {{result}}' } },
    ],
  },
  wrong: { first: { error: { status: 400, message: 'no such field' } }, second: { text: 'never' } },
  both: {
    first: { error: { status: 500, message: 'one' } },
    second: { error: { status: 500, message: 'two' } },
  },
};
const names = Object.keys(CHAINS);
const script = (answer: object, rules: object[] = []) => JSON.stringify({ rules, otherwise: answer });

const turns = (events: FleetEvent[]) =>
  events.flatMap(({ event }) => (event.type === 'turn' ? [event.turn] : []));

describe('failover', { timeout: 300_000 }, () => {
  let installation: TestInstallation;
  before(async () => {
    const agents = names.map((name) => [name, { model: `scripted/${name}-1`, resources: { cpu_limit: 2 } }]);
    const failover = names.map((name) => [`scripted/${name}-1`, [`scripted/${name}-2`]]);
    const permissions = names.map((name) => [
      name,
      { allowed_apis: ['llm'], allowed_tools: { exec: 'allow' } },
    ]);
    installation = await startInstallation({
      agents: JSON.stringify({ agents: Object.fromEntries(agents) }),
      mesh: JSON.stringify({ llm: { failover: Object.fromEntries(failover) } }),
      permissions: { permissions: Object.fromEntries(permissions) },
      scripts: Object.fromEntries(
        Object.entries(CHAINS).flatMap(([name, { first, second, rules }]) => [
          [`${name}-1`, script(first)],
          [`${name}-2`, script(second, rules)],
        ]),
      ),
    });
  });
  after(() => installation?.[Symbol.asyncDispose]());

  const ask = async (name: string) => {
    const { view, events } = await installation.control.ask(name, 'hello');
    const switched = turns(events).filter((turn) => turn.type === 'model_switched');
    const failed = events.flatMap(({ event }) => (event.type === 'model_failed' ? [event.model] : []));
    return { view, events, switched, failed };
  };

  for (const name of ['down', 'key', 'silent'])
    test(`${name}: the next model answers, and both attempts are on the trace`, async () => {
      const { view, switched, failed } = await ask(name);
      assert.equal(view.reply, 'the second answers', JSON.stringify(view.refusal));
      assert.deepEqual(failed, [`scripted/${name}-1`]);
      assert.deepEqual(
        switched.map(({ from, to, continued }) => [from, to, continued]),
        [[`scripted/${name}-1`, `scripted/${name}-2`, false]],
      );
    });

  test('an answer that breaks off is continued, and the history shows the seam', async () => {
    const { view, events, switched, failed } = await ask('middle');
    const begun = view.reply?.replace('… and the rest', '') ?? '';
    assert.ok(begun.length > 10 && begun.length < LONG.length && LONG.startsWith(begun), view.reply ?? '');
    assert.equal(view.reply, `${begun}… and the rest`);
    const deltas = turns(events).flatMap((turn) => (turn.type === 'text_delta' ? [turn.text] : []));
    assert.equal(deltas.join(''), view.reply);
    assert.deepEqual(failed, ['scripted/middle-1']);
    assert.equal(switched[0]?.continued, true);
    const history = await installation.control.call('GET', '/api/agents/middle/history?limit=10');
    assert.match(history.text, /scripted\/middle-2 took over from scripted\/middle-1 after \d+ characters/);
  });

  test('half of a tool call is never run, and asked for again', async () => {
    const { view, events, switched } = await ask('call');
    // The first model may be asked once more behind the tool: the host knows of its failure within 2 s.
    assert.match(view.reply ?? '', /^RAN (?:x\n)+\[exit code 0\]$/);
    assert.ok(switched.length >= 1);
    const started = turns(events).flatMap((turn) => (turn.type === 'tool_started' ? [turn.arguments] : []));
    assert.ok(
      started.length >= 1 && started.every((input) => input === '{"command":"echo x >> ran; cat ran"}'),
    );
  });

  test('what is wrong with the request moves to no other model; at the end of the chain the last failure is told', async () => {
    const wrong = await ask('wrong');
    assert.equal(wrong.view.status, 'failed');
    assert.match(wrong.view.refusal?.message ?? '', /no such field/);
    assert.deepEqual(wrong.switched, []);
    const both = await ask('both');
    assert.match(both.view.refusal?.message ?? '', /both-2 answered 500: two/);
    assert.deepEqual(both.failed, ['scripted/both-1', 'scripted/both-2']);
  });

  test('what failed is not asked again at once', async () => {
    const { view, switched, failed } = await ask('down');
    assert.equal(view.reply, 'the second answers');
    assert.deepEqual([switched, failed], [[], []]);
  });
});
