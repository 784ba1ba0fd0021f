import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import { AGENT_TOOLS, grantedTools } from './agent-tools.ts';

const granted = (permissions: object) => grantedTools(AgentPermissions.parse(permissions));

test('nothing is granted that no entry allows; the tool’s own entry goes before patterns', () => {
  assert.deepEqual(granted({}), []);
  assert.deepEqual(granted({ allowed_tools: { '*': 'ask', exec: 'deny' } }), []);
  assert.deepEqual(granted({ allowed_tools: { 'vault_*': 'allow', vault_list: 'deny' } }), ['vault_status']);
  assert.deepEqual(
    granted({ allowed_tools: { '*': 'allow', '*_file*': 'deny', read_file: 'allow' } }).slice(0, 2),
    ['exec', 'read_file'],
  );
});

test('a tool that needs an API is offered with the API alone', () => {
  const all = { '*': 'allow' };
  const without = granted({ allowed_tools: all });
  assert.deepEqual(
    AGENT_TOOLS.filter((tool) => !without.includes(tool)),
    ['web_search', 'vault_generate_secret', 'vault_capture_from_page'],
  );
  const more = (apis: string[]) =>
    granted({ allowed_tools: all, allowed_apis: apis }).filter((tool) => !without.includes(tool));
  assert.deepEqual(more(['web_search']), ['web_search']);
  assert.deepEqual(more(['vault']), ['vault_generate_secret', 'vault_capture_from_page']);
  assert.deepEqual(granted({ allowed_apis: ['*'] }), []);
});
