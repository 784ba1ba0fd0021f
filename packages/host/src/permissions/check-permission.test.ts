import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import fc from 'fast-check';
import type { FleetConfig } from '../config/fleet-config.ts';
import { settingsOf } from '../config/load-config.ts';
import { decidePermission } from '../router/decide-permission.ts';
import { checkPermission, PERMISSIONS, type Permission } from './check-permission.ts';
import { permissionsDiff } from './permission-changes.ts';

function configOf(permissions: object, agents: object = { researcher: {}, bob: {} }): FleetConfig {
  const mesh = MeshConfig.parse({
    teams: { support: { budget: { daily_usd: 1, monthly_usd: 1 } } },
  });
  return {
    mesh,
    agents: settingsOf(mesh, AgentsConfig.parse({ agents }), PermissionsConfig.parse({ permissions })),
    extraRootsPem: null,
  };
}

function check(config: FleetConfig, permission: Permission, key: string, agent = 'researcher') {
  return checkPermission(config, config.agents.get(agent) ?? assert.fail(), permission, key);
}

const GRANTED = configOf({
  researcher: {
    can_message: ['bob'],
    blackboard_write: ['context/*', 'deep/**'],
    allowed_domains: ['api.example.com', '*.example.org:8443'],
    allowed_tools: { exec: 'ask', 'read_*': 'allow', '*': 'deny' },
    can_spawn: true,
  },
});

test('says yes or no, the rule, the entry that decided, and who holds to it', () => {
  const rows: [Permission, string, string, string | null][] = [
    ['blackboard_write', 'context/x', 'allowed', 'context/*'],
    ['blackboard_write', 'context/x/y', 'denied', null],
    ['blackboard_write', 'deep/x/y', 'allowed', 'deep/**'],
    ['blackboard_write', 'context//x', 'denied', null],
    ['blackboard_write', 'context/ｘ', 'denied', null],
    ['blackboard_write', 'context/*', 'denied', null],
    ['blackboard_read', 'context/x', 'denied', null],
    ['can_message', 'bob', 'allowed', 'bob'],
    ['allowed_domains', 'api.example.com', 'allowed', 'api.example.com'],
    ['allowed_domains', 'API.example.com.:80', 'allowed', 'api.example.com'],
    ['allowed_domains', 'api.example.com:8080', 'denied', null],
    ['allowed_domains', 'a.b.example.org:8443', 'allowed', '*.example.org:8443'],
    ['allowed_domains', 'example.org:8443', 'denied', null],
    ['allowed_domains', 'https://api.example.com/x', 'denied', null],
    ['allowed_tools', 'exec', 'ask', 'exec'],
    ['allowed_tools', 'read_file', 'allowed', 'read_*'],
    ['allowed_tools', 'hand_off', 'denied', '*'],
    ['can_spawn', '', 'allowed', 'true'],
    ['can_use_browser', '', 'denied', null],
  ];
  for (const [permission, key, decision, entry] of rows) {
    const found = check(GRANTED, permission, key);
    assert.deepEqual([found.decision, found.entry], [decision, entry], `${permission} ${key}: ${found.why}`);
    assert.ok(found.why !== '' && found.how !== '');
  }
  assert.equal(
    check(GRANTED, 'blackboard_write', 'context/x').rule,
    'permissions.researcher.blackboard_write',
  );
  assert.match(check(GRANTED, 'blackboard_write', 'context/x/y').why, /"context\/\*\*" would cover it/);
  assert.match(check(GRANTED, 'can_message', 'kim').remedy ?? '', /grant researcher can_message kim/);
  assert.equal(
    check(configOf({ default: { can_message: ['bob'] } }), 'can_message', 'bob').rule,
    'permissions.default.can_message',
  );
});

test('a team’s wall stands over can_message, and is named', () => {
  const walled = configOf(
    { researcher: { can_message: ['**'] } },
    { researcher: { team: 'sales' }, bob: { team: 'support' }, kim: {} },
  );
  assert.deepEqual(
    [check(walled, 'can_message', 'bob').decision, check(walled, 'can_message', 'bob').rule],
    ['denied', 'teams.sales'],
  );
  assert.equal(check(walled, 'can_message', 'kim').decision, 'allowed');
});

test('property: what is said of a pattern permission is what the routes decide', () => {
  const segment = fc.constantFrom('a', 'b', 'context', '*', '**', 'a*', '', ' ', 'ﬁ', '.');
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  const patterns = fc.array(
    path.filter((text) => text.length > 0),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(patterns, path, (granted, key) => {
      const config = configOf({ researcher: { blackboard_write: granted } });
      const decided = decidePermission(
        config.agents.get('researcher') ?? assert.fail(),
        'blackboard_write',
        key,
      );
      const said = check(config, 'blackboard_write', key);
      // A key in another spelling is decided on in its one spelling; here it is sent back to the person.
      if (said.rule !== 'router.key') assert.equal(said.decision === 'allowed', decided.allowed);
    }),
  );
  assert.equal(PERMISSIONS.length, 12);
});

test('a difference names each entry, what a change of teams means, and what else there is', () => {
  const before = configOf(
    { default: { can_message: ['bob'] }, bob: {} },
    { researcher: { team: 'sales' }, bob: { team: 'sales' }, gone: {} },
  );
  const after = configOf(
    { researcher: { can_message: ['bob'], allowed_tools: { exec: 'ask' }, can_spawn: true }, bob: {} },
    { researcher: { team: 'support', idle_stop: '5m' }, bob: { team: 'sales' }, fresh: {} },
  );
  const diff = permissionsDiff(before, after);
  assert.deepEqual(
    diff.changes.map(({ agent, permission, change, entry }) => `${agent} ${change} ${permission} ${entry}`),
    [
      'researcher granted allowed_tools exec: ask',
      'researcher granted can_spawn true',
      'gone revoked can_message bob',
    ],
  );
  assert.match(diff.meaning.join('\n'), /researcher leaves the blackboard and topics of the team "sales"/);
  assert.match(diff.meaning.join('\n'), /draws on the budget of the team "support"/);
  assert.match(diff.meaning.join('\n'), /can hand nothing to bob any more/);
  assert.match(diff.meaning.join('\n'), /gone goes/);
  assert.match(diff.meaning.join('\n'), /fresh joins without a team/);
  assert.deepEqual(diff.others, ['agents.researcher.idle_stop']);
});
