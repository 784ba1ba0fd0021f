import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import { AGENT_TOOLS } from '../fleet/agent-tools.ts';
import { enforcementStatement, PERMISSION_ENFORCEMENT } from './enforcement.ts';

test('every tool of the agent and every field of permissions.json says who holds to it', () => {
  const known = new Set(enforcementStatement().tools.map(({ tool }) => tool));
  assert.deepEqual(
    AGENT_TOOLS.filter((tool) => !known.has(tool)),
    [],
    'add these to packages/host/src/permissions/enforcement.ts, with what stops their effect',
  );
  assert.deepEqual(Object.keys(PERMISSION_ENFORCEMENT).sort(), Object.keys(AgentPermissions.shape).sort());
});
