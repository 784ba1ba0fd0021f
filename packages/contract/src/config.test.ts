import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentsConfig } from './agents-config.ts';
import { MeshConfig } from './mesh-config.ts';
import { PermissionsConfig } from './permissions-config.ts';

test('an empty mesh.yaml is a whole one', () => {
  const config = MeshConfig.parse({});
  assert.equal(config.mesh.host, '127.0.0.1');
  assert.equal(config.mesh.port, 8420);
  assert.equal(config.budget.daily_usd, 50_000_000);
  assert.equal(config.budget.monthly_usd, 500_000_000);
});

test('an agent without figures has the documented ones', () => {
  const { helper } = AgentsConfig.parse({ agents: { helper: {} } }).agents;
  assert.deepEqual(helper?.resources, { disk_limit: 1024 * 1024 * 1024 });
  assert.equal(helper?.budget.daily_usd, 5_000_000);
  assert.equal(helper?.idle_stop, 15 * 60_000);
});

test('what would weaken the cage cannot be written', () => {
  for (const weakening of [
    { privileged: true },
    { network: 'host' },
    { binds: ['/:/host'] },
    { cap_add: ['SYS_ADMIN'] },
    { security_opt: ['seccomp=unconfined'] },
    { resources: { memory_limit: '0m' } },
    { resources: { pids_limit: -1 } },
  ]) {
    assert.equal(
      AgentsConfig.safeParse({ agents: { helper: weakening } }).success,
      false,
      JSON.stringify(weakening),
    );
  }
});

test('another program is asked by standard input unless said, and has no say in its cage', () => {
  const parse = (runtime: object) => AgentsConfig.safeParse({ agents: { helper: { runtime } } });
  assert.deepEqual(parse({ command: ['claude', '-p'] }).data?.agents.helper?.runtime, {
    command: ['claude', '-p'],
    protocol: 'stdin',
    env: {},
    port: 8500,
  });
  for (const wrong of [
    {},
    { command: [] },
    { command: 'claude -p' },
    { command: ['x'], protocol: 'http' },
    { command: ['x'], port: 8400 },
    { command: ['x'], port: 3128 },
    { command: ['x'], port: 80 },
    { command: ['x'], env: { 'A=B': 'x' } },
    { command: ['x'], user: 'root' },
    { command: ['x'], volumes: ['/'] },
  ])
    assert.equal(parse(wrong).success, false, JSON.stringify(wrong));
});

test('permissions that say nothing grant nothing', () => {
  const { helper } = PermissionsConfig.parse({ permissions: { helper: {} } }).permissions;
  assert.deepEqual(helper?.can_message, []);
  assert.deepEqual(helper?.allowed_apis, []);
  assert.deepEqual(helper?.allowed_tools, {});
  assert.equal(helper?.can_spawn, false);
  assert.equal(PermissionsConfig.safeParse({ permissions: { helper: { admin: true } } }).success, false);
});
