import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import { grantedTools } from './agent-tools.ts';
import { BROWSER_TOOLS } from './browser-tools.ts';

const granted = (of: object) =>
  grantedTools(AgentPermissions.parse({ allowed_tools: { '*': 'allow' }, ...of }), true).filter((tool) =>
    tool.startsWith('browser_'),
  );

test('a browser tool needs can_use_browser, its action, and allowed_tools', () => {
  assert.deepEqual(granted({ can_use_browser: true, browser_actions: ['*'] }), [...BROWSER_TOOLS]);
  assert.deepEqual(granted({ can_use_browser: true, browser_actions: ['navigate', 's*t'] }), [
    'browser_navigate',
    'browser_snapshot',
    'browser_screenshot',
    'browser_select',
  ]);
  assert.deepEqual(granted({ can_use_browser: true }), []);
  assert.deepEqual(granted({ browser_actions: ['*'] }), []);
  const denied = { can_use_browser: true, browser_actions: ['*'], allowed_tools: { browser_wait: 'allow' } };
  assert.deepEqual(granted(denied), ['browser_wait']);
});
