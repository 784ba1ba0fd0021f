import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentConfig } from '@openlegion/contract/agents-config';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import { agentResources } from './agent-resources.ts';

const MEBIBYTE = 1024 * 1024;
const of = (resources: object, can_use_browser: boolean) =>
  agentResources({
    resources: AgentConfig.parse({ resources }).resources,
    permissions: AgentPermissions.parse({ can_use_browser }),
  });

test('an agent with a browser gets more where nothing is said, and what is said holds for any', () => {
  const dataBytes = 1024 * MEBIBYTE;
  assert.deepEqual(of({}, false), { memoryBytes: 384 * MEBIBYTE, cpus: 0.15, pids: 256, dataBytes });
  assert.deepEqual(of({}, true), { memoryBytes: 1024 * MEBIBYTE, cpus: 1, pids: 512, dataBytes });
  const said = { memory_limit: '600m', cpu_limit: 0.5, pids_limit: 100, disk_limit: '2g' };
  for (const browser of [false, true])
    assert.deepEqual(of(said, browser), {
      memoryBytes: 600 * MEBIBYTE,
      cpus: 0.5,
      pids: 100,
      dataBytes: 2048 * MEBIBYTE,
    });
});
