import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFieldChecks } from '../../dialects/field-checks.ts';

const DIRECTORY = join(import.meta.dirname, '../../dialects');
const VAULT = join(import.meta.dirname, '../..');

for (const file of readdirSync(DIRECTORY).filter((name) => name.endsWith('.json')))
  test(`${file}: every shape makes sense and is used, every reason is given somewhere`, () => {
    const text = readFileSync(join(DIRECTORY, file), 'utf8');
    const { reasons, shapes, routes } = JSON.parse(text);
    const checks = createFieldChecks({ reasons, shapes });
    const bodies = Object.values(routes).map((route) => Object(route).body);
    for (const shape of Object.keys(shapes)) {
      assert.ok(checks(shape), shape);
      const used = new RegExp(`"(?:[^"]* (?:or|of|\\d+) )?${shape}(?: or [^"]*)?"(?!:)`).test(text);
      assert.ok(used || bodies.includes(shape), `nothing uses the shape ${shape}`);
    }
    for (const reason of Object.keys(reasons)) assert.match(text, new RegExp(`"@${reason}"`), reason);
  });

test('a table that makes no sense is a fault at the start, not a hole', () => {
  const reasons = {};
  for (const wrong of ['no-such-shape', 'list of no-such-shape', 'integer x', 5, true])
    assert.throws(() => createFieldChecks({ reasons, shapes: { wrong: { field: wrong } } })('wrong'));
  const refused = { field: { $refuse: '@unexplained' } };
  assert.throws(() => createFieldChecks({ reasons, shapes: { refused } })('refused'), /no reason/);
});

test('every refusal of the gateway is used, and says what can be done', () => {
  const refusals: Record<string, { code: string; message: string; remedy: string }> = JSON.parse(
    readFileSync(join(VAULT, 'process/refusals.json'), 'utf8'),
  );
  const code = readdirSync(VAULT, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('test'))
    .map((name) => readFileSync(join(VAULT, name), 'utf8'))
    .join('\n');
  for (const [name, { message, remedy }] of Object.entries(refusals)) {
    assert.ok(message.length > 10 && remedy.length > 5, name);
    // The system's own errors and the deadlines are named when they happen.
    if (!/^llm\.provider:(?:E[A-Z_]+|late|connect)$/.test(name)) assert.ok(code.includes(`'${name}'`), name);
  }
});
