import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { editPermission, type PermissionEdit } from './edit-permissions.ts';

const editAllowedDomains = (text: string, agent: string, change: { add: string } | { remove: string }) => {
  const edit: PermissionEdit = 'add' in change ? { grant: change.add } : { revoke: change.remove };
  return editPermission(text, agent, 'allowed_domains', edit);
};
const SALES = readFileSync(new URL('../../cli/templates/sales/permissions.json', import.meta.url), 'utf8');

test('a host is added and taken away with every other byte as it was', () => {
  const added = editAllowedDomains(SALES, 'qualifier', { add: 'api.example.com' });
  assert.ok(added);
  const [before, after] = [SALES.split('\n'), added.split('\n')];
  const changed = after.filter((line, index) => line !== before[index]);
  assert.deepEqual(changed, ['      "allowed_domains": ["api.example.com"],']);
  assert.equal(editAllowedDomains(added, 'qualifier', { remove: 'api.example.com' }), SALES);
  assert.equal(editAllowedDomains(added, 'qualifier', { add: 'api.example.com' }), null);
  assert.equal(editAllowedDomains(SALES, 'qualifier', { remove: 'api.example.com' }), null);
});

test('lists over several lines, records without the list, agents without a record', () => {
  const text = `{
  "permissions": {
    "default": { "allowed_apis": ["llm"] },
    "a": {
      "allowed_domains": [
        "x.example"
      ]
    },
    "b": {
      "allowed_apis": ["llm"]
    }
  }
}
`;
  assert.match(
    editAllowedDomains(text, 'a', { add: 'y.example' }) ?? '',
    /\[\n {8}"x.example",\n {8}"y.example"\n {6}\]\n {4}\},\n {4}"b"/,
  );
  assert.match(
    editAllowedDomains(text, 'b', { add: 'y.example' }) ?? '',
    /"allowed_apis": \["llm"\],\n {6}"allowed_domains": \[\n {8}"y.example"\n {6}\]\n {4}\}\n/,
  );
  const fresh = editAllowedDomains(text, 'c', { add: 'y.example' }) ?? '';
  assert.deepEqual(JSON.parse(fresh).permissions.c, {
    allowed_apis: ['llm'],
    allowed_domains: ['y.example'],
  });
  assert.ok(fresh.startsWith(text.slice(0, text.indexOf('    "b"'))), 'what was there stays');
});

test('whatever the white space, the outcome is the file with the host', () => {
  for (const text of [
    '{"permissions":{"a":{}}}',
    '{"permissions":{}}',
    '{ "permissions" : { "a" : { "allowed_domains":[ ] } } }',
    '{"permissions":{"default":{"can_spawn":true},"a":{"allowed_domains":["q.example"]}}}',
  ]) {
    const { permissions } = JSON.parse(editAllowedDomains(text, 'a', { add: 'y.example' }) ?? '');
    assert.ok(permissions.a.allowed_domains.includes('y.example'), text);
  }
  assert.throws(() => editAllowedDomains('{"permissions":', 'a', { add: 'x.example' }), {
    code: 'bad_request',
  });
});

test('brackets, quotes and commas within texts move nothing', () => {
  const odd = ['"a}', '{\\', '],"b":[', 'x: y'].map((entry) => JSON.stringify(entry)).join(', ');
  const text = `{"permissions": {"b": {"can_message": [${odd}]},
  "a": {"can_publish": [${odd}],  "allowed_domains": [],\t"can_subscribe": [${odd}]}}}`;
  const added = editAllowedDomains(text, 'a', { add: 'y.example' });
  assert.equal(added, text.replace('"allowed_domains": []', '"allowed_domains": ["y.example"]'));
});

test('tools and switches are granted and taken away; what a permission cannot be is refused', () => {
  const text = `{
  "permissions": {
    "a": { "can_spawn": false, "allowed_tools": { "*": "allow" }, "can_message": ["b"] }
  }
}
`;
  const asked = editPermission(text, 'a', 'allowed_tools', { grant: 'exec=ask' }) ?? '';
  assert.equal(asked, text.replace('{ "*": "allow" }', '{ "*": "allow", "exec": "ask" }'));
  assert.equal(editPermission(asked, 'a', 'allowed_tools', { revoke: 'exec' }), text);
  const spawning = editPermission(text, 'a', 'can_spawn', { grant: '' }) ?? '';
  assert.equal(spawning, text.replace('false', 'true'));
  assert.equal(editPermission(spawning, 'a', 'can_spawn', { revoke: '' }), text);
  assert.equal(editPermission(text, 'a', 'can_message', { revoke: 'b' }), text.replace('["b"]', '[]'));
  assert.equal(editPermission(text, 'a', 'can_spawn', { revoke: '' }), null);
  for (const [permission, grant] of [
    ['allowed_tools', 'exec=perhaps'],
    ['can_spawn', 'yes'],
    ['can_message', ''],
    ['can_message', 'x'.repeat(201)],
  ] as const)
    assert.throws(() => editPermission(text, 'a', permission, { grant }), { code: 'bad_request' });
});
