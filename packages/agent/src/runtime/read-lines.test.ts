import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEventLine } from './event-lines.ts';
import { readCompletion } from './openai/read-completion.ts';
import { readLines } from './read-lines.ts';

async function* pieces(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const cut of cuts.toSorted((a, b) => a - b)) {
    yield bytes.subarray(from, cut);
    from = Math.max(from, cut);
  }
  yield bytes.subarray(from);
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

test('lines are the same wherever the bytes are cut, and one that is too long is left out alone', async () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !text.includes('\n'));
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 8 }),
      fc.array(fc.nat(200), { maxLength: 6 }),
      async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const read = await all(readLines(pieces(bytes, cuts), 1000));
        assert.deepEqual(
          read,
          lines.map((text) => Buffer.from(text).toString('utf8')),
        );
      },
    ),
    { numRuns: 300 },
  );
  const long = Buffer.from(`one\n${'x'.repeat(50)}\ntwo`);
  assert.deepEqual(await all(readLines(pieces(long, [10, 30, 40]), 20)), ['one', null, 'two']);
});

test('whatever a program prints, reading it never throws', async () => {
  const event = fc.record({
    type: fc.constantFrom('text_delta', 'tool_started', 'tool_ended', 'turn_ended', 'x'),
    text: fc.anything(),
    callId: fc.anything(),
    tool: fc.string(),
    choices: fc.anything(),
    error: fc.anything(),
  });
  const garbage = fc.oneof(
    fc.string(),
    fc.json(),
    event.map((value) => JSON.stringify(value) ?? ''),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(garbage, { maxLength: 6 }), async (lines) => {
      for (const line of lines) readEventLine(line);
      const body = Buffer.from(lines.map((line) => `data: ${line}\n\n`).join(''));
      const completion = readCompletion(pieces(body, []));
      for (let next = await completion.next(); ; next = await completion.next()) {
        if (!next.done) continue;
        assert.ok(['done', 'cut', 'error'].includes(next.value.end));
        return;
      }
    }),
    { numRuns: 300 },
  );
});
