import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentConfig } from '@openlegion/contract/agents-config';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { z } from 'zod';

const PAGE = readFileSync(join(import.meta.dirname, '../docs/configuration.md'), 'utf8');

/** Every name that may be written in a file of this schema, as `a.b` where it stands below another. */
function settingsOf(schema: z.ZodType): Set<string> {
  const found = new Set<string>();
  const walk = (value: unknown, path: string): void => {
    if (value === null || typeof value !== 'object') return;
    const { properties, items, additionalProperties } = value as Record<string, unknown>;
    for (const [name, below] of Object.entries(properties ?? {})) {
      found.add(path === '' ? name : `${path}.${name}`);
      walk(below, path === '' ? name : `${path}.${name}`);
    }
    walk(items, path);
    walk(additionalProperties, path);
  };
  walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), '');
  return found;
}

test('docs/configuration.md names every setting there is, and none that there is not', () => {
  const settings = [AgentConfig, MeshConfig].flatMap((schema) => [...settingsOf(schema)]);
  assert.ok(settings.includes('resources.disk_limit') && settings.includes('egress.hosts.opaque'));
  const named = new Set([...PAGE.matchAll(/`([a-z_.A-Z]+)`/g)].map(([, name = '']) => name));
  for (const setting of settings) {
    const last = setting.slice(setting.lastIndexOf('.') + 1);
    const leaf = !settings.some((other) => other.startsWith(`${setting}.`));
    assert.ok(!leaf || named.has(setting) || named.has(last), setting);
  }
  const rows = PAGE.split('\n').filter((line) => line.split('|').length === 5 && line.startsWith('| `'));
  for (const row of rows)
    for (const [, name = ''] of (row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g))
      assert.ok(settings.includes(name.replace('.NAME', '')), name);
  assert.ok(rows.length >= 30);
});
