import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import { AGENT_TOOLS, askedTools, grantedPatterns, grantedTools, toolSetting } from './agent-tools.ts';

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

test('a tool that needs a list of permissions.json is offered where the list grants something', () => {
  const all = { allowed_tools: { '*': 'allow' } };
  const more = (list: string) =>
    granted({ ...all, [list]: ['x'] }).filter((tool) => !granted(all).includes(tool));
  assert.deepEqual(more('can_message'), ['hand_off', 'list_agents']);
  assert.deepEqual(more('blackboard_read'), ['read_shared_state', 'list_shared_state', 'read_artifact']);
  assert.deepEqual(more('blackboard_write'), ['write_shared_state', 'save_artifact']);
  assert.deepEqual(more('can_publish'), ['publish_event']);
  assert.deepEqual(more('can_subscribe'), ['subscribe_event']);
});

test('a tool that needs an API is offered with the API alone', () => {
  const all = { '*': 'allow' };
  const lists = ['can_message', 'can_publish', 'can_subscribe', 'blackboard_read', 'blackboard_write'];
  const browser = { can_use_browser: true, browser_actions: ['*'] };
  const every = { ...Object.fromEntries(lists.map((list) => [list, ['x']])), ...browser };
  const without = granted({ allowed_tools: all, ...every });
  assert.deepEqual(
    AGENT_TOOLS.filter((tool) => !without.includes(tool)),
    [
      // With nobody to ask, what asks is not offered either.
      ...['request_host', 'web_search', 'vault_generate_secret', 'vault_capture_from_page'],
      ...['read_agent_history', 'spawn_agent'],
    ],
  );
  const more = (apis: string[]) =>
    granted({ allowed_tools: all, allowed_apis: apis, ...every }).filter((tool) => !without.includes(tool));
  assert.deepEqual(more(['web_search']), ['web_search']);
  assert.deepEqual(more(['vault']), ['vault_generate_secret', 'vault_capture_from_page']);
  assert.deepEqual(more(['agent_history']), ['read_agent_history']);
  assert.ok(granted({ allowed_tools: all, can_spawn: true }).includes('spawn_agent'));
  assert.deepEqual(granted({ allowed_apis: ['*'] }), []);
});

test('a tool set to ask is offered where there is somebody to ask, and the agent is told to ask', () => {
  const permissions = AgentPermissions.parse({
    allowed_tools: { exec: 'ask', read_file: 'allow', 'mcp_*': 'ask', write_file: 'deny' },
  });
  assert.deepEqual(grantedTools(permissions, false), ['read_file']);
  assert.deepEqual(grantedTools(permissions, true), ['exec', 'read_file']);
  assert.ok(
    grantedTools(AgentPermissions.parse({ allowed_tools: { '*': 'allow' } }), true).includes('request_host'),
  );
  assert.deepEqual(askedTools(permissions), ['exec', 'mcp_*']);
  assert.equal(toolSetting(permissions, 'mcp_files_read'), 'ask');
  assert.equal(toolSetting(permissions, 'constructor'), 'deny');
});

test('patterns of tools that only the agent knows go longest first, what is denied marked; denials alone are nothing', () => {
  const of = (allowed_tools: object, hasApprover = false) =>
    grantedPatterns(AgentPermissions.parse({ allowed_tools }), hasApprover);
  const entries = { 'mcp_fs_*': 'allow', mcp_fs_write_file: 'deny', exec: 'allow', my_tool: 'ask' };
  assert.deepEqual(of(entries), ['!mcp_fs_write_file', 'mcp_fs_*', '!my_tool']);
  assert.deepEqual(of(entries, true), ['!mcp_fs_write_file', 'mcp_fs_*', 'my_tool']);
  assert.deepEqual(of({ '*': 'allow' }), ['*']);
  assert.deepEqual(of({ exec: 'allow', 'mcp_*': 'deny' }), []);
});
