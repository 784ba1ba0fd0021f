import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PromptMessage, PromptTurn } from '../history/prompt-turn.ts';
import { fitTurns, tokensOf } from './fit-turns.ts';

function turn(id: number, size: number, calls: number): PromptTurn {
  const messages: PromptMessage[] = [{ role: 'user', from: 'user', text: `${id}`.padEnd(size, 'x') }];
  for (let call = 0; call < calls; call++) {
    const callId = `${id}_${call}`;
    messages.push({
      role: 'assistant',
      model: 'p/m',
      dialect: 'd',
      parts: [{ type: 'call', callId, tool: 't', input: '{}' }],
    });
    messages.push({
      role: 'tool',
      results: [{ callId, tool: 't', outcome: 'ok', output: 'o'.repeat(size), durationMs: 0 }],
    });
  }
  return { messageId: `${id}`, messages };
}

test('keeps whole turns, the newest ones, and every call with its result', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(2000), fc.nat(4)), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 20_000 }),
      (sizes, promptTokens) => {
        const turns = sizes.map(([size, calls], index) => turn(index, size, calls));
        const kept = fitTurns(turns, { promptTokens, otherTokens: 30 });
        const whole = turns.flatMap(({ messages }) => messages);
        assert.deepEqual(
          kept.map(({ role }) => role),
          whole.slice(whole.length - kept.length).map(({ role }) => role),
        );
        assert.equal(kept[0]?.role, 'user');
        assert.ok(kept.length >= (turns.at(-1)?.messages.length ?? 0));
        for (const [index, message] of kept.entries()) {
          if (message.role !== 'tool') continue;
          const before = kept[index - 1];
          assert.ok(before?.role === 'assistant' && before.parts[0]?.type === 'call');
          assert.equal(before.parts[0].callId, message.results[0]?.callId);
        }
      },
    ),
  );
});

test('in the last turn the oldest outputs are left out first, and the newest stays', () => {
  const kept = fitTurns([turn(1, 3000, 3)], { promptTokens: 3000, otherTokens: 0 });
  const outputs = kept.flatMap((message) =>
    message.role === 'tool' ? message.results.map(({ output }) => output) : [],
  );
  assert.match(outputs[0] ?? '', /left out/);
  assert.equal(outputs[2]?.length, 3000);
});

test('an output larger than the whole window loses its end, not the call that it belongs to', () => {
  const kept = fitTurns(
    [turn(1, 90_000, 1)].map((one) => ({ ...one, messages: one.messages.slice(1) })),
    {
      promptTokens: 3000,
      otherTokens: 0,
    },
  );
  assert.ok(tokensOf(kept) <= 3000);
  assert.deepEqual(
    kept.map(({ role }) => role),
    ['assistant', 'tool'],
  );
});

test('what stands for earlier turns is never dropped', () => {
  const pinned = { ...turn(1, 600, 0), pinned: true as const };
  const turns = [pinned, turn(2, 3000, 0), turn(3, 300, 0)];
  const kept = fitTurns(turns, { promptTokens: 700, otherTokens: 0 });
  assert.deepEqual(
    kept.map((message) => message.role === 'user' && message.text[0]),
    ['1', '3'],
  );
});
