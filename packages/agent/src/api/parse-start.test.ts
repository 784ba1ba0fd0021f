import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentStart } from '@openlegion/contract/agent-api';
import fc from 'fast-check';
import { parseStart } from './parse-start.ts';

const good = {
  name: 'researcher',
  role: 'research',
  model: 'openai/gpt-4.1-mini',
  maxTokens: 4096,
  temperature: 0.7,
  thinking: 'off',
  systemPrompt: '',
  initialInstructions: '',
  tools: ['exec'],
  egress: { authorityPem: 'pem', environment: { GITHUB_TOKEN: 'olp_0' } },
  extras: { askFor: [] },
};

function accepts(value: unknown): unknown {
  try {
    return parseStart(value);
  } catch {
    return undefined;
  }
}

test('accepts and refuses exactly what the schema of the contract does', () => {
  const odd = fc.oneof(
    fc.anything(),
    fc.constantFrom(
      'mesh',
      'user',
      'a',
      'A',
      '-a',
      'a\n',
      'x'.repeat(64),
      'a/b',
      `a/${'b'.repeat(199)}`,
      'a/',
      'high',
      0,
      -1,
      1.5,
      2 ** 53,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ),
    fc.constant(['x'.repeat(101)]),
    fc.constant([1]),
    fc.record({
      authorityPem: fc.oneof(fc.string(), fc.constant('x'.repeat(8193)), fc.anything()),
      environment: fc.oneof(
        fc.dictionary(fc.string(), fc.string()),
        fc.constant({ A: 'x'.repeat(201) }),
        fc.constant({ ['A'.repeat(101)]: '' }),
        fc.anything(),
      ),
    }),
    fc.constant({ authorityPem: '', environment: {}, extra: 1 }),
  );
  const field = fc.constantFrom(...Object.keys(good), 'extra', '__proto__', 'constructor');
  fc.assert(
    fc.property(fc.array(fc.tuple(field, odd), { maxLength: 3 }), (changes) => {
      const value = JSON.parse(JSON.stringify(good));
      for (const [key, replacement] of changes) {
        Object.defineProperty(value, key, { value: replacement, enumerable: true, configurable: true });
      }
      const expected = AgentStart.safeParse(value);
      assert.deepEqual(accepts(value), expected.success ? expected.data : undefined);
    }),
    { numRuns: 2000 },
  );
});

test('refuses what is not an object', () => {
  for (const value of [null, [], 'x', 1, undefined]) assert.equal(accepts(value), undefined);
  assert.deepEqual(parseStart(good), good);
});
