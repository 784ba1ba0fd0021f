import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { repairTools } from './repair-tools.ts';
import { objectSchema, simplifySchema } from './simplify-schema.ts';

type Schema = Parameters<typeof simplifySchema>[0];
const RUNS = Number(process.env.OPENLEGION_RUNS ?? 500);
const GOOGLES = new Set(
  'title description type enum properties required items anyOf minItems maxItems minimum maximum nullable format'.split(
    ' ',
  ),
);

/** Keywords of a schema that Google does not know; properties' own names are not keywords. */
function unknown(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    if (!GOOGLES.has(key)) return [key];
    if (key === 'properties') return Object.values(value).flatMap(unknown);
    if (key === 'items') return unknown(value);
    return key === 'anyOf' ? value.flatMap(unknown) : [];
  });
}

test('references, constants, unions and what has no field there', () => {
  const schema = {
    $defs: { place: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
    type: 'object',
    properties: {
      place: { $ref: '#/$defs/place', description: 'where' },
      kind: { oneOf: [{ const: 'a' }, { const: 'b' }] },
      maybe: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      level: { enum: [1, 2] },
      over: { type: 'integer', exclusiveMinimum: 3 },
      code: { type: 'string', pattern: '^x', format: 'uri' },
      both: { allOf: [{ properties: { a: { type: 'string' } } }, { required: ['a'] }], type: 'object' },
    },
    required: ['place', 'gone'],
    additionalProperties: false,
  } as Schema;
  assert.deepEqual(simplifySchema(schema), {
    type: 'object',
    properties: {
      place: {
        type: 'object',
        description: 'where',
        properties: { city: { type: 'string' } },
        required: ['city'],
      },
      kind: { type: 'string', enum: ['a', 'b'] },
      maybe: { type: ['string', 'null'] },
      level: { description: '(one of: 1, 2)' },
      over: { type: 'integer', minimum: 4 },
      code: { type: 'string', description: '(pattern: "^x"; format: "uri")' },
      both: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    },
    required: ['place'],
  });
});

test('a schema within itself ends, and one that would grow without bound is bounded', () => {
  const tree = {
    type: 'object',
    properties: { left: { $ref: '#' }, right: { $ref: '#' } },
  } as Schema;
  assert.deepEqual(unknown(simplifySchema(tree)), []);
  const $defs: Record<string, unknown> = { d0: { type: 'string' } };
  for (let n = 1; n < 40; n++)
    $defs[`d${n}`] = {
      type: 'object',
      properties: { a: { $ref: `#/$defs/d${n - 1}` }, b: { $ref: `#/$defs/d${n - 1}` } },
    };
  const bomb = { $defs, $ref: '#/$defs/d39' } as Schema;
  assert.ok(JSON.stringify(simplifySchema(bomb)).length < 400_000);
});

const name = fc.constantFrom('a', 'b', '__proto__', 'constructor');
const { schema: anySchema } = fc.letrec((tie) => ({
  schema: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom({}, true, false, null, 'x', { type: 'string' }, { const: 1 }, { enum: ['a', null] }),
    fc.record({
      type: fc.constantFrom('object', 'array', ['object', 'null']),
      properties: fc.dictionary(name, tie('schema')),
      required: fc.array(name),
      additionalProperties: tie('schema'),
      items: tie('schema'),
    }),
    fc.record({ anyOf: fc.array(tie('schema')), oneOf: fc.array(tie('schema')), not: tie('schema') }),
    fc.record({ allOf: fc.array(tie('schema')), $ref: fc.constantFrom('#', '#/properties/a', 'http://x/y') }),
    fc.record({ prefixItems: fc.array(tie('schema')), patternProperties: fc.constant({ '^x': {} }) }),
  ),
}));

test(`any schema comes out in what Google knows, an object at its top for every dialect (${RUNS} runs)`, () => {
  fc.assert(
    fc.property(anySchema, (value) => {
      const schema = (typeof value === 'object' && value !== null ? value : {}) as Schema;
      const forGoogle = objectSchema(schema, 'google');
      assert.deepEqual(unknown(forGoogle), []);
      for (const dialect of ['google', 'anthropic', 'openai-chat'] as const) {
        const { type, anyOf, oneOf, allOf, $ref } = objectSchema(schema, dialect);
        assert.deepEqual([type, anyOf, oneOf, allOf, $ref], ['object', ...Array(4).fill(undefined)]);
      }
    }),
    { numRuns: RUNS },
  );
});

test('a name comes once and in a form that is accepted, and is given back', () => {
  const tool = (name: string) => ({
    type: 'function' as const,
    name,
    inputSchema: { type: 'object' as const },
  });
  const long = 'x'.repeat(100);
  const { tools, rename, restore } = repairTools(
    [tool('a'), tool('a'), tool('b.c'), tool('b/c'), tool('1'), tool(long)],
    'openai-chat',
  );
  assert.equal(tools.length, 5);
  for (const { name } of tools) assert.match(name, /^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/);
  for (const name of ['a', 'b.c', 'b/c', '1', long]) assert.equal(restore(rename(name)), name);
});
