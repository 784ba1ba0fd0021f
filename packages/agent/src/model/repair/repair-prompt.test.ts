import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dialect } from '@openlegion/contract/catalog';
import fc from 'fast-check';
import type { AdapterPrompt } from '../adapter.ts';
import { repairPrompt } from './repair-prompt.ts';

const RUNS = Number(process.env.OPENLEGION_RUNS ?? 2000);

const text = fc.constantFrom('', ' ', '\n', 'hello', 'a b', 'ü');
const id = fc.constantFrom('', 'a', 'b', 'call_1', 'x'.repeat(70), 'toolu.01/ä', 'abcdefghi');
const textPart = fc.record({ type: fc.constant('text' as const), text });
const image = fc.constant({
  type: 'file' as const,
  mediaType: 'image/png',
  data: { type: 'data' as const, data: 'AAAA' },
});
const result = fc.record({
  type: fc.constant('tool-result' as const),
  toolCallId: id,
  toolName: fc.constantFrom('', 'exec'),
  output: fc.oneof(
    fc.record({ type: fc.constantFrom('text' as const, 'error-text' as const), value: text }),
    fc.record({
      type: fc.constant('content' as const),
      value: fc.array(fc.oneof(textPart, image), { maxLength: 3 }),
    }),
  ),
});
const call = fc.record({
  type: fc.constant('tool-call' as const),
  toolCallId: id,
  toolName: fc.constant('exec'),
  input: fc.constant({}),
});
const reasoning = fc.record({ type: fc.constant('reasoning' as const), text });
const message: fc.Arbitrary<AdapterPrompt[number]> = fc.oneof(
  fc.record({ role: fc.constant('system' as const), content: text }),
  fc.record({
    role: fc.constant('user' as const),
    content: fc.array(fc.oneof(textPart, image), { maxLength: 3 }),
  }),
  fc.record({
    role: fc.constant('assistant' as const),
    content: fc.array(fc.oneof(textPart, call, reasoning), { maxLength: 4 }),
  }),
  fc.record({ role: fc.constant('tool' as const), content: fc.array(result, { maxLength: 3 }) }),
);
const MODEL: Record<Dialect, string[]> = {
  'openai-chat': ['openai/gpt-4o', 'mistral/mistral-large', 'local/qwen3'],
  'openai-responses': ['openai/gpt-5'],
  anthropic: ['anthropic/claude-haiku-4-5'],
  google: ['google/gemini-2.5-flash'],
};
const target = fc
  .constantFrom(...Dialect.options)
  .chain((dialect) => fc.constantFrom(...MODEL[dialect]).map((model) => ({ dialect, model })));

/** What a provider of this dialect would refuse in it; null for nothing. */
function fault(
  prompt: AdapterPrompt,
  { dialect, model }: { dialect: Dialect; model: string },
): string | null {
  const form = model.startsWith('mistral/')
    ? /^[a-zA-Z0-9]{9}$/
    : dialect === 'openai-chat'
      ? /^[a-zA-Z0-9_-]{1,40}$/
      : /^[a-zA-Z0-9_-]{1,64}$/;
  const ids = new Set<string>();
  const said = prompt.filter(({ role }) => role !== 'system');
  if (said[0]?.role !== 'user') return 'the user does not begin';
  if (said.at(-1)?.role === 'assistant') return 'the assistant has the last word';
  if (!model.startsWith('openai/') && prompt.slice(1).some(({ role }) => role === 'system'))
    return 'a system message within';
  for (const [at, entry] of prompt.entries()) {
    if (entry.role === 'system') {
      if (entry.content.trim() === '') return 'an empty system message';
      continue;
    }
    if (entry.content.length === 0) return `an empty message of ${entry.role}`;
    if (entry.content.some((part) => part.type === 'text' && part.text.trim() === '')) return 'an empty text';
    if (model.startsWith('mistral/') && entry.role === 'user' && prompt[at - 1]?.role === 'tool')
      return 'the user right behind a result';
    if (prompt[at - 1]?.role === entry.role) return `${entry.role} twice in a row`;
    if (entry.role === 'assistant') {
      const calls = entry.content.flatMap((part) => (part.type === 'tool-call' ? [part.toolCallId] : []));
      for (const own of calls) {
        if (!form.test(own)) return `the id ${own}`;
        if (ids.has(own)) return `the id ${own} twice`;
        ids.add(own);
      }
      if (entry.content.every((part) => part.type === 'reasoning')) return 'reasoning alone';
      const next = prompt[at + 1];
      const results =
        next?.role === 'tool'
          ? next.content.flatMap((part) => (part.type === 'tool-result' ? [part.toolCallId] : []))
          : [];
      if (calls.join() !== results.join()) return 'calls and results that are not pairs';
    }
    if (entry.role === 'tool') {
      if (prompt[at - 1]?.role !== 'assistant') return 'results without calls';
      for (const part of entry.content) {
        if (part.type !== 'tool-result') return 'no result';
        const { output } = part;
        if ('value' in output && typeof output.value === 'string' && output.value.trim() === '')
          return 'an empty result';
        if (output.type === 'content' && dialect === 'openai-chat') return 'an image as a result of a chat';
      }
    }
  }
  return null;
}

/** What was said, in its order; what a repair adds is not in it. */
function words(prompt: AdapterPrompt): number {
  return (JSON.stringify(prompt).match(/hello|a b|ü|AAAA/g) ?? []).length;
}

test(`any conversation comes out valid for each dialect, and nothing that was said is lost (${RUNS} runs)`, () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), target, (prompt, to) => {
      const repaired = repairPrompt(prompt, to);
      assert.equal(fault(repaired, to), null);
      const kept = prompt.map((entry) =>
        entry.role === 'assistant'
          ? { ...entry, content: entry.content.filter((part) => part.type !== 'reasoning') }
          : entry,
      ) as AdapterPrompt;
      assert.ok(words(repaired) >= words(kept));
      // What is valid already stays as it is.
      assert.equal(JSON.stringify(repairPrompt(repaired, to)), JSON.stringify(repaired));
    }),
    { numRuns: RUNS },
  );
});

test('a missing result is said to be missing; one without a call is told as text', () => {
  const repaired = repairPrompt(
    [
      { role: 'user', content: [{ type: 'text', text: 'go' }] },
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'a', toolName: 'exec', input: {} }] },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', toolCallId: 'z', toolName: 'exec', output: { type: 'text', value: 'lost' } },
        ],
      },
    ],
    { dialect: 'anthropic', model: 'anthropic/claude-haiku-4-5' },
  );
  assert.deepEqual(
    repaired.map(({ role }) => role),
    ['user', 'assistant', 'tool', 'user'],
  );
  assert.match(JSON.stringify(repaired[2]), /outcome of this call is not known/);
  assert.match(JSON.stringify(repaired[3]), /not part of this conversation.*lost/);
});

test('the same conversation always gets the same ids, so that a prompt cache fits', () => {
  const prompt: AdapterPrompt = [
    { role: 'user', content: [{ type: 'text', text: 'go' }] },
    { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'ä', toolName: 'exec', input: {} }] },
  ];
  const to = { dialect: 'google', model: 'google/gemini-2.5-flash' } as const;
  const [first, second] = [repairPrompt(prompt, to), repairPrompt([...prompt, ...prompt], to)];
  assert.deepEqual(first.slice(0, 2), second.slice(0, 2));
});
