import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { Delivery } from '../lanes/delivery.ts';
import type { Pipe } from '../pipe/pipe.ts';
import { runTurn } from './run-turn.ts';

const FULL = { code: 'disk_full', rule: 'agent.history', message: 'Its disk is full.', remedy: 'Free it.' };
const delivery = {
  message: { id: 'msg_1', traceId: 'trc_1', sender: 'operator', mode: 'followup' },
  text: 'hi',
} as Delivery;

function outcomeOf(status: number, body: string) {
  const pipe: Pipe = {
    request: async () => ({
      ...{ status, headers: {}, body: Readable.from([body]) },
      text: async () => body,
      json: async () => JSON.parse(body),
    }),
    closed: new Promise(() => {}),
    close: () => {},
  };
  return runTurn(pipe, delivery, () => {}, new AbortController().signal);
}

test('an agent that cannot take a message says why; what it says otherwise is not passed on', async () => {
  const refused = JSON.stringify({ type: 'error', error: { type: 'openlegion_refusal', ...FULL } });
  assert.deepEqual(await outcomeOf(507, refused), { kind: 'interrupted', refusal: FULL });
  const padded = JSON.stringify({ ...JSON.parse(refused), more: 'x'.repeat(20_000) });
  for (const body of ['', 'oh no', '{"type":"error"}', padded]) {
    const outcome = await outcomeOf(507, body);
    assert.equal(outcome.kind === 'interrupted' && outcome.refusal.rule, 'fleet.turn');
  }
});
