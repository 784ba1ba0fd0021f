import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = ['packages/host/src', 'packages/vault/src/keeper', 'packages/vault/src/process'];
/** Names of rules, which look like types and stand near them. */
const RULES = new Set(['pubsub.dead_letters', 'vault.owner']);

function sources(): string[] {
  return SOURCES.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !`/${file}`.includes('/test/'))
      .map((file) => readFileSync(join(ROOT, folder, file), 'utf8')),
  );
}

/** `agent.started`, and of a type that is put together `approval.`; from where records are written. */
function writtenTypes(texts: readonly string[]): Set<string> {
  const types = new Set<string>();
  for (const text of texts)
    for (const [context] of text.matchAll(
      /(?:\btype\b\s*(?:=|:)|\bnote\(|\brecord\(|\brefused\(|\bappend\()[^;\n]{0,160}/g,
    ))
      for (const [, type = ''] of context
        .replace(/rule: *'[^']*'/g, '')
        .matchAll(/['`]([a-z]+\.(?:[a-z_]+|(?=\$\{)))(?:['`]|\$\{)/g))
        if (!RULES.has(type)) types.add(type);
  return types;
}

function documentedTypes(): string[] {
  return readFileSync(join(ROOT, 'docs/audit.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `') && line.split('|').length === 6)
    .flatMap((line) =>
      [...(line.split('|')[1] ?? '').matchAll(/`([a-z]+\.[a-z_]+)`/g)].map(([, type = '']) => type),
    );
}

test('every type of audit record that the host or the vault writes is in docs/audit.md', () => {
  const documented = documentedTypes();
  const missing = [...writtenTypes(sources())].filter(
    (type) => !documented.some((one) => one === type || (type.endsWith('.') && one.startsWith(type))),
  );
  assert.deepEqual(missing, [], 'add these to a table of docs/audit.md');
});

test('no type is documented that nothing writes, and none twice', () => {
  const texts = sources().join('\n');
  const documented = documentedTypes();
  assert.ok(documented.length > 60, String(documented.length));
  assert.equal(new Set(documented).size, documented.length);
  const unwritten = documented.filter((type) => {
    const [area = '', what = ''] = type.split('.');
    const whole = texts.includes(`'${type}'`);
    return !whole && !(texts.includes(`\`${area}.\${`) && new RegExp(`'${what}'`).test(texts));
  });
  assert.deepEqual(unwritten, []);
});
