import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import { AGENT_TOOLS, askedTools, grantedTools, toolSetting } from './agent-tools.ts';

const granted = (permissions: object) => grantedTools(AgentPermissions.parse(permissions), false);

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

test('a tool set to ask is offered where there is somebody to ask, and the agent is told to ask', () => {
  const permissions = AgentPermissions.parse({
    allowed_tools: { exec: 'ask', read_file: 'allow', 'mcp_*': 'ask', write_file: 'deny' },
  });
  assert.deepEqual(grantedTools(permissions, false), ['read_file']);
  assert.deepEqual(grantedTools(permissions, true), ['exec', 'read_file']);
  assert.deepEqual(askedTools(permissions), ['exec', 'mcp_*']);
  assert.equal(toolSetting(permissions, 'mcp_files_read'), 'ask');
  assert.equal(toolSetting(permissions, 'constructor'), 'deny');
});
