import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AdapterPart } from '../model/adapter.ts';
import { answerPieces, BrokenAnswer, type Piece } from './answer-pieces.ts';

const RUNS = Number(process.env.OPENLEGION_RUNS ?? 1000);
const USAGE = {
  inputTokens: { total: 5, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 2, text: undefined, reasoning: undefined },
};
const finish = (unified: 'stop' | 'tool-calls'): AdapterPart => ({
  type: 'finish',
  finishReason: { unified, raw: unified },
  usage: USAGE,
});

async function piecesOf(parts: readonly AdapterPart[]): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for await (const piece of answerPieces(ReadableStream.from(parts), (name) => name)) pieces.push(piece);
  return pieces;
}

/** Calls whose arguments come in pieces, mixed in any way; what each of them sends keeps its order. */
const mixed = fc
  .array(fc.array(fc.constantFrom('{"a":', '1', '}', ' '), { maxLength: 4 }), { minLength: 1, maxLength: 4 })
  .chain((calls) => {
    const order = calls.flatMap((deltas, call) => [...deltas, '', ''].map(() => call));
    return fc.shuffledSubarray(order, { minLength: order.length }).map((turns) => ({ calls, turns }));
  });

test('calls whose arguments are mixed come out one after the other and whole', async () => {
  await fc.assert(
    fc.asyncProperty(mixed, async ({ calls, turns }) => {
      const left = calls.map((deltas, call): AdapterPart[] => [
        { type: 'tool-input-start', id: `c${call}`, toolName: `t${call}` },
        ...deltas.map((delta): AdapterPart => ({ type: 'tool-input-delta', id: `c${call}`, delta })),
        { type: 'tool-call', toolCallId: `c${call}`, toolName: `t${call}`, input: deltas.join('') },
      ]);
      const parts = turns.flatMap((call) => left[call]?.shift() ?? []);
      const pieces = await piecesOf([...parts, finish('tool-calls')]);
      let open = '';
      let text = '';
      const got = new Map<string, string>();
      for (const piece of pieces) {
        if (piece.type === 'open') {
          assert.equal(open, '');
          open = piece.name;
          text = '';
        } else if (piece.type === 'delta') text += piece.text;
        else if (piece.type === 'close') {
          assert.equal(piece.text, text);
          got.set(open, text);
          open = '';
        }
      }
      assert.equal(open, '');
      assert.deepEqual(
        [...got].sort(),
        calls.map((deltas, call) => [`t${call}`, deltas.join('') || '{}']),
      );
    }),
    { numRuns: RUNS },
  );
});

test('two calls of one id get two, and text gives way to what comes after it', async () => {
  const call = (id: string): AdapterPart => ({
    type: 'tool-call',
    toolCallId: id,
    toolName: 't',
    input: '{}',
  });
  const pieces = await piecesOf([
    { type: 'text-start', id: '0' },
    { type: 'text-delta', id: '0', delta: 'I look.' },
    call('a'),
    call('a'),
    call(''),
    { type: 'text-end', id: '0' },
    finish('tool-calls'),
  ]);
  assert.deepEqual(
    pieces.flatMap((piece) => (piece.type === 'open' ? [[piece.kind, piece.id]] : [])),
    [
      ['text', '0'],
      ['call', 'a'],
      ['call', 'a_1'],
      ['call', 'call'],
    ],
  );
});

test('a stream that ends without its end, or within a call, is broken', async () => {
  const start: AdapterPart = { type: 'tool-input-start', id: 'a', toolName: 't' };
  for (const parts of [[], [start], [start, finish('stop')], [{ type: 'error', error: 'x' }, finish('stop')]])
    await assert.rejects(piecesOf(parts as AdapterPart[]), BrokenAnswer);
});
