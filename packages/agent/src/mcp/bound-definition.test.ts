import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sanitise } from '../prompt/sanitise.ts';
import { boundDefinition } from './bound-definition.ts';
import { canonicalDefinition } from './canonical-definition.ts';
import { jsonDepthExceeds } from './json-depth.ts';
import { nameMcpTool } from './name-tool.ts';

const keyword = fc.constantFrom(
  'type',
  'properties',
  'items',
  'anyOf',
  '$ref',
  'enum',
  'description',
  'required',
  '$defs',
  'pattern',
  '__proto__',
  'constructor',
  'a',
  '\u202E',
);
const leaf = fc.oneof(
  fc.constantFrom('object', 'string', '#', '#/$defs/a', '#/properties/a', '</skills>', '\u{E0041}'),
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
/** Through JSON, as a server's words come: `__proto__` is then a name like any other. */
const schema = fc
  .letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 6 },
      leaf,
      fc.array(tie('node'), { maxLength: 4 }),
      fc.array(fc.tuple(keyword, tie('node')), { maxLength: 6 }),
    ),
  }))
  .node.map((node) => {
    const text = (value: unknown): string => {
      if (!Array.isArray(value)) return JSON.stringify(value) ?? 'null';
      const isPairs =
        value.length > 0 &&
        value.every((part) => Array.isArray(part) && part.length === 2 && typeof part[0] === 'string');
      return isPairs
        ? `{${value.map(([name, part]) => `${JSON.stringify(name)}:${text(part)}`).join(',')}}`
        : `[${value.map(text).join(',')}]`;
    };
    return JSON.parse(text(node));
  });

test('whatever a server says, what is shown of it is bounded, visible and has no prototype of its own', () => {
  fc.assert(
    fc.property(schema, fc.string({ unit: 'binary', maxLength: 3000 }), (inputSchema, description) => {
      const bounded = boundDefinition(description, inputSchema);
      if (!bounded.ok) return;
      const text = JSON.stringify(bounded.inputSchema);
      assert.ok(text.length <= 16 * 1024 && bounded.description.length <= 1024);
      assert.equal(sanitise(bounded.description), bounded.description);
      const walk = (value: unknown): void => {
        if (typeof value === 'string') assert.equal(sanitise(value), value);
        if (typeof value !== 'object' || value === null) return;
        assert.ok([Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value)));
        for (const [name, part] of Object.entries(value)) {
          assert.equal(sanitise(name), name);
          assert.notEqual(name, '__proto__');
          walk(part);
        }
      };
      walk(bounded.inputSchema);
    }),
    { numRuns: 500 },
  );
});

test('a definition is the same text in whatever order it came, and another for any change', () => {
  const of = (description: string, inputSchema: unknown) =>
    canonicalDefinition({ name: 'a', description, inputSchema });
  assert.equal(
    of('x', JSON.parse('{"a":1,"b":{"c":2,"d":3}}')),
    of('x', JSON.parse('{"b":{"d":3,"c":2},"a":1}')),
  );
  const all = [
    of('x', {}),
    of('y', {}),
    of('x', { a: 1 }),
    of('x', JSON.parse('{"__proto__":1}')),
    of('x', { a: '1' }),
    of('x', []),
  ];
  assert.equal(new Set(all).size, all.length);
  assert.equal(of('x'.repeat(25_000), {}), null);
  assert.equal(of('x', JSON.parse('['.repeat(100) + ']'.repeat(100))), null);
});

test('depth is counted outside of strings alone, and a text without end costs one pass', () => {
  assert.equal(jsonDepthExceeds('{"a":[1,{"b":"[[[[{{{{"}]}', 3), false);
  assert.equal(jsonDepthExceeds('{"a":[1,{"b":2}]}', 2), true);
  assert.equal(jsonDepthExceeds('"\\\\\\"[[["', 1), false);
  assert.equal(jsonDepthExceeds('['.repeat(5_000_000), 200), true);
});

test('names are taken by every provider, and no two tools share one', () => {
  assert.equal(nameMcpTool('fs', 'read_file', ['fs']), 'mcp_fs_read_file');
  assert.equal(nameMcpTool('a', 'b_c', ['a', 'a_b']), null);
  assert.equal(nameMcpTool('a_b', 'c', ['a', 'a_b']), 'mcp_a_b_c');
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.string({ unit: 'binary', minLength: 1 }),
      (one, other) => {
        const [a, b] = [nameMcpTool('s', one, ['s']), nameMcpTool('s', other, ['s'])];
        assert.match(a ?? '', /^mcp_s_[A-Za-z0-9_-]{1,58}$/);
        assert.equal(a === b, one === other);
      },
    ),
  );
});
