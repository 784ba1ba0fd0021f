import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEventStream } from './parse-event-stream.ts';

const event = (seq: number, text: string) => ({
  seq,
  at: 'now',
  agent: 'a',
  messageId: 'm',
  traceId: 't',
  event: { type: 'turn', turn: { type: 'text_delta', text } },
});

async function collect(pieces: readonly Buffer[]) {
  const seen: unknown[] = [];
  async function* body() {
    yield* pieces;
  }
  for await (const found of parseEventStream(body())) seen.push(found);
  return seen;
}

test('events come whole, whatever pieces the bytes came in', async () => {
  const events = [event(1, 'Grüße\n'), event(2, '川瀬')];
  const bytes = Buffer.from(
    `: hello\n\n${events.map((one) => `id: ${one.seq}\r\nevent: x\r\ndata: ${JSON.stringify(one)}\r\n\r\n`).join('')}`,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
      assert.deepEqual(await collect(pieces), events);
    }),
    { numRuns: 60 },
  );
});

test('what is no event is passed over, and one that was cut off is not half an event', async () => {
  const bytes = Buffer.from(
    `data: not json\n\ndata: {"seq":1}\n\ndata: ${JSON.stringify(event(3, 'x'))}\n\ndata: {"seq":4`,
  );
  assert.deepEqual(await collect([bytes]), [event(3, 'x')]);
});
